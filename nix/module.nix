# `services.provost`: the reconciler as a service of NixOS.
{ packages }:
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.services.provost;
  format = pkgs.formats.yaml { };

  settings = lib.filterAttrsRecursive (name: value: value != null) cfg.settings;

  # Provost itself says whether it can work with the configuration, while the system is built.
  checked = pkgs.runCommand "server.yaml" { } ''
    cp ${format.generate "server.yaml" settings} $out
    ${lib.getExe cfg.package} serve --check --config $out
  '';

  # The archives, in one folder.
  imageFolder = pkgs.linkFarm "provost-images" (
    map (image: {
      name = lib.removeSuffix ".tar" (baseNameOf (builtins.unsafeDiscardStringContext "${image}")) + ".tar";
      path = image;
    }) cfg.images
  );

  # For operators: the command line of this server, whichever folder they are in.
  command = pkgs.writeShellScriptBin "provost" ''
    export PROVOST_SOCKET="''${PROVOST_SOCKET:-${cfg.settings.socket}}"
    exec ${lib.getExe cfg.package} "$@"
  '';
in
{
  options.services.provost = {
    enable = lib.mkEnableOption "Provost, which runs cron-scheduled containers that are governed by policy from git";

    package = mkOption {
      type = types.package;
      default = packages.${pkgs.stdenv.hostPlatform.system}.provost;
      defaultText = lib.literalExpression "provost.packages.\${system}.provost";
      description = "The Provost that is used.";
    };

    settings = mkOption {
      description = ''
        The server configuration; `provost explain server` lists every key. What is not an option here is written to
        the file as it is, and Provost checks the whole while the system is built: a key that it does not know or a
        value that it cannot use fails the build.
      '';
      default = { };
      example = lib.literalExpression ''
        {
          source.git.url = "https://git.example.org/shop.git";
          signers = [ "ssh-ed25519 AAAA… ops" ];
          labels.site = "berlin";
          apply = "Auto";
        }
      '';
      type = types.submodule {
        freeformType = format.type;
        options = {
          instance = mkOption {
            type = types.str;
            default = config.networking.hostName;
            defaultText = lib.literalExpression "config.networking.hostName";
            description = "The name of this server; every container of it carries it.";
          };
          labels = mkOption {
            type = types.attrsOf types.str;
            default = { };
            example = {
              site = "berlin";
            };
            description = "Labels of this server, which policies select by.";
          };
          source = mkOption {
            type = format.type;
            default = { };
            example = {
              git.url = "https://git.example.org/shop.git";
            };
            description = "Where manifests come from: `git` or `folder`; one of the two must be given.";
          };
          signers = mkOption {
            type = types.listOf types.str;
            default = [ ];
            description = "SSH public keys; only commits that one of them signed take effect. Empty: no signature is asked for.";
          };
          state = mkOption {
            type = types.str;
            default = "/var/lib/provost";
            readOnly = true;
            description = "The folder that holds all that is remembered; the one to back up.";
          };
          socket = mkOption {
            type = types.str;
            default = "/run/provost/provost.sock";
            readOnly = true;
            description = "The socket that the command line talks to.";
          };
        };
      };
    };

    images = mkOption {
      type = types.listOf types.package;
      default = [ ];
      example = lib.literalExpression "[ provost.packages.\${system}.image-toolbox ]";
      description = ''
        Image archives that are part of the system. A manifest names them as they name themselves, and the engine loads
        them from the disk, so that a server needs no registry for them.
      '';
    };

    engine = mkOption {
      type = types.nullOr (
        types.enum [
          "docker"
          "podman"
        ]
      );
      default = "docker";
      description = ''
        The container engine, which is switched on and used. With `null` none is switched on: set
        `settings.engine.docker.host`, and add the group of its socket to the service.
      '';
    };

    operators = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "ada" ];
      description = "Users who may control Provost. Whoever may, may do everything that it can do.";
    };

    environmentFile = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "/run/keys/provost.env";
      description = ''
        A file with `NAME=value` lines for the service's environment, such as a proxy with a password. It is read when
        the service starts and must not be in the Nix store, which everybody may read.
      '';
    };
  };

  config = lib.mkIf cfg.enable (
    lib.mkMerge [
      {
        assertions = [
          {
            assertion = cfg.environmentFile == null || !(lib.hasPrefix builtins.storeDir cfg.environmentFile);
            message = "services.provost.environmentFile is in the Nix store, which everybody may read; put it elsewhere, such as /run/keys";
          }
        ];

        services.provost.settings.images = lib.mkIf (cfg.images != [ ]) (lib.mkDefault "${imageFolder}");

        users.users.provost = {
          isSystemUser = true;
          group = "provost";
          home = cfg.settings.state;
          description = "Provost";
        };
        users.groups.provost.members = cfg.operators;

        environment.systemPackages = [ command ];
        environment.etc."provost/server.yaml".source = checked;

        systemd.services.provost = {
          description = "Provost: cron-scheduled containers, governed by policy from git";
          documentation = [ "man:provost(1)" ];
          wantedBy = [ "multi-user.target" ];
          wants = [ "network-online.target" ];
          after = [ "network-online.target" ];
          # What a git source calls.
          path = [
            pkgs.gitMinimal
            pkgs.openssh
          ];
          serviceConfig = import ./hardening.nix // {
            ExecStart = "${lib.getExe cfg.package} serve --config ${checked} --log-format json";
            User = "provost";
            Group = "provost";
            StateDirectory = "provost";
            StateDirectoryMode = "0700";
            RuntimeDirectory = "provost";
            RuntimeDirectoryMode = "0750";
            Restart = "always";
            RestartSec = 2;
            # The grace time for runs, and then the shutdown hooks.
            TimeoutStopSec = "5min";
            KillMode = "mixed";
            EnvironmentFile = lib.optional (cfg.environmentFile != null) cfg.environmentFile;
          };
        };
      }

      (lib.mkIf (cfg.engine == "docker") {
        virtualisation.docker.enable = true;
        services.provost.settings.engine.docker.host = lib.mkDefault "unix:///run/docker.sock";
        systemd.services.provost = {
          wants = [ "docker.service" ];
          after = [ "docker.service" ];
          serviceConfig.SupplementaryGroups = [ "docker" ];
        };
      })

      (lib.mkIf (cfg.engine == "podman") {
        virtualisation.podman.enable = true;
        services.provost.settings.engine.docker.host = lib.mkDefault "unix:///run/podman/podman.sock";
        systemd.services.provost = {
          wants = [ "podman.socket" ];
          after = [ "podman.socket" ];
          serviceConfig.SupplementaryGroups = [ "podman" ];
        };
      })
    ]
  );
}
