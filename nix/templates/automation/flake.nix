{
  description = "One automation and its image";

  # Where Provost comes from.
  inputs.provost.url = "git+https://git.example.org/provost.git";
  inputs.nixpkgs.follows = "provost/nixpkgs";

  outputs =
    {
      self,
      nixpkgs,
      provost,
    }:
    let
      inherit (nixpkgs) lib;
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
    in
    {
      # The job's image: `nix build`, and `docker load <result` to try it.
      packages.${system}.default = provost.lib.mkAutomationImage {
        inherit pkgs;
        name = "my-automation";
        package = pkgs.callPackage ./program.nix { };
      };

      # `nix flake check` validates the manifests.
      checks.${system} = {
        image = self.packages.${system}.default;
        manifests = pkgs.runCommand "manifests" { } ''
          ${lib.getExe provost.packages.${system}.provost} validate ${./manifests} >$out
        '';
      };
    };
}
