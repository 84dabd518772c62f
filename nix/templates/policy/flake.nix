{
  description = "A policy and the image of its hooks";

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
      # The image of its hooks: `nix build`, and `docker load <result` to try it.
      packages.${system}.default = provost.lib.mkHookImage {
        inherit pkgs;
        name = "my-policy";
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
