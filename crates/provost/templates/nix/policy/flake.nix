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
      packages.${system} = {
        # The image of its hooks: `nix build .#image`, and `docker load <result` to try it.
        image = provost.lib.mkHookImage {
          inherit pkgs;
          name = "my-policy";
          package = pkgs.callPackage ./program.nix { };
        };

        # Manifests and image as one artifact: `nix build`, and `provost package push result …` to hand it on.
        default = provost.lib.mkPackage {
          inherit pkgs;
          src = ./.;
          images."images/my-policy.tar" = self.packages.${system}.image;
        };
      };

      # `nix flake check` validates the manifests.
      checks.${system} = {
        package = self.packages.${system}.default;
        manifests = pkgs.runCommand "manifests" { } ''
          ${lib.getExe provost.packages.${system}.provost} validate ${./manifests}
          touch $out
        '';
      };
    };
}
