{
  description = "A shop: its automations, its policy, its images, its servers";

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

      # The jobs' images. A manifest names one by its name: `image: hello`.
      images = {
        hello = provost.lib.mkAutomationImage {
          inherit pkgs;
          name = "hello";
          package = pkgs.callPackage ./images/hello { };
        };
        announce = provost.lib.mkHookImage {
          inherit pkgs;
          name = "announce";
          package = pkgs.callPackage ./images/announce { };
        };
      };

      # One server for each file in servers/, with the images on its disk: it needs no registry.
      server =
        name:
        lib.nixosSystem {
          inherit system;
          modules = [
            provost.nixosModules.appliance
            (./servers + "/${name}.nix")
            {
              networking.hostName = name;
              services.provost.images = lib.attrValues images;
            }
          ];
        };
      names = map (lib.removeSuffix ".nix") (lib.attrNames (builtins.readDir ./servers));
      servers = lib.genAttrs names server;
    in
    {
      nixosConfigurations = servers;

      # `nix build .#server-ber-1` makes a disk image to boot; `nix build .#image-hello` an image to load.
      packages.${system} =
        lib.mapAttrs' (name: lib.nameValuePair "image-${name}") images
        // lib.mapAttrs' (
          name: server: lib.nameValuePair "server-${name}" server.config.system.build.images.qemu-efi
        ) servers;

      # `nix flake check` finds what is wrong with a manifest or a server before it is committed.
      checks.${system} = {
        manifests = pkgs.runCommand "manifests" { } ''
          ${lib.getExe provost.packages.${system}.provost} validate ${./manifests}
          touch $out
        '';
      }
      // lib.mapAttrs' (
        name: server: lib.nameValuePair "server-${name}" server.config.system.build.toplevel
      ) servers;
    };
}
