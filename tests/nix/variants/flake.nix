{
  description = "What the tests of the flake need besides: builds that must fail, and machines that must be refused";

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

      # A server with only the service.
      service =
        module:
        (lib.nixosSystem {
          inherit system;
          modules = [
            provost.nixosModules.default
            {
              fileSystems."/".fsType = "ext4";
              networking.hostName = "ber-1";
              system.stateVersion = "26.05";
              services.provost.enable = true;
              services.provost.settings.source.git.url = "https://git.example.org/shop.git";
            }
            module
          ];
        }).config.system.build.toplevel;

      # A whole server.
      appliance =
        module:
        (lib.nixosSystem {
          inherit system;
          modules = [
            provost.nixosModules.appliance
            {
              networking.hostName = "ber-1";
              services.provost.settings.source.git.url = "https://git.example.org/shop.git";
            }
            module
          ];
        }).config.system.build.toplevel;

      # Under --override-input a flake has no revision; here it is given one.
      committed = (import "${provost}/flake.nix").outputs {
        inherit nixpkgs;
        self = committed // {
          inherit (provost) outPath;
          rev = "0123456789012345678901234567890123456789";
        };
      };
    in
    {
      packages.${system} = {
        # Builds that must fail: the second time, and the first.
        clock = pkgs.runCommand "clock" { } "date +%s%N >$out";
        outside = pkgs.runCommand "outside" { } "cat /var/log/dpkg.log >$out";
        network = pkgs.runCommand "network" { } "exec 3<>/dev/tcp/1.1.1.1/53; touch $out";

        # The static programs, which are built from nothing but their sources.
        programs = (pkgs.extend provost.overlays.default).provostPrograms;

        # The same image from a commit: what the flake says if it knows which.
        toolbox-of-a-commit = committed.packages.${system}.image-toolbox;

        # Machines that are good.
        docker = service { };
        podman = service { services.provost.engine = "podman"; };
        other-engine = service {
          services.provost = {
            engine = null;
            settings.engine.docker.host = "unix:///run/other.sock";
          };
        };
        environment = service { services.provost.environmentFile = "/run/keys/provost.env"; };
        operated = appliance { services.provost.appliance.keys = [ "ssh-ed25519 AAAA ada" ]; };
        sealed = appliance {
          services.provost.appliance = {
            sealed = true;
            upgrade = "git+https://git.example.org/shop.git#ber-1";
          };
        };

        # Machines that are not.
        wrong-type = service { services.provost.settings.labels.site = 7; };
        wrong-engine = service { services.provost.engine = "rkt"; };
        unknown-option = service { services.provost.imagez = [ ]; };
        unknown-key = service { services.provost.settings.instence = "a"; };
        wrong-value = service { services.provost.settings.shutdownGrace = "soon"; };
        wrong-signer = service { services.provost.settings.signers = [ "nobody" ]; };
        no-source = service { services.provost.settings.source = lib.mkForce { }; };
        moved-state = service { services.provost.settings.state = "/srv"; };
        secret-in-store = service { services.provost.environmentFile = "${./flake.nix}"; };
        locked-out = appliance { };
        half-sealed = appliance {
          services.provost.appliance = {
            sealed = true;
            console = true;
          };
        };
      };
    };
}
