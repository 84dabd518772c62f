{
  description = "Provost: declare your jobs and your shop's policy in git; every server runs them, on time, the same way";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      revision = self.rev or self.dirtyRev or "unknown";
      appliance = system: import ./nix/example.nix { inherit self lib system; };
      perSystem =
        make:
        lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (
          system: make (nixpkgs.legacyPackages.${system}.extend self.overlays.default)
        );
    in
    {
      packages = perSystem (
        pkgs:
        {
          default = pkgs.provost;
          inherit (pkgs) provost;
          appliance = (appliance pkgs.stdenv.hostPlatform.system).config.system.build.images.qemu-efi;
        }
        // lib.mapAttrs' (name: lib.nameValuePair "image-${name}") pkgs.provostImages
      );

      overlays.default = import ./nix/overlay.nix { inherit revision; };

      nixosModules = {
        default = import ./nix/module.nix { inherit (self) packages; };
        appliance = {
          imports = [
            self.nixosModules.default
            ./nix/appliance.nix
          ];
        };
      };

      nixosConfigurations.appliance = appliance "x86_64-linux";

      checks = perSystem (pkgs: import ./nix/checks.nix { inherit self pkgs; });

      devShells = perSystem (pkgs: {
        default = import ./nix/shell.nix { inherit pkgs; };
      });

      templates = import ./nix/templates;

      lib = import ./nix/lib.nix { inherit (self) packages; };
    };
}
