# A whole server that does one thing: it follows a git repository and runs what that says. docs/appliance.md tells how
# it is laid out, backed up, upgraded and rolled back.
{
  config,
  lib,
  ...
}:
let
  inherit (lib) mkDefault mkOption types;
  cfg = config.services.provost.appliance;
in
{
  options.services.provost.appliance = {
    keys = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "ssh-ed25519 AAAA… ada" ];
      description = ''
        SSH public keys of those who may log in, as the user `operator`, who may also become root. A server works
        without a single login, so that this may be empty; then set `console` or `sealed`.
      '';
    };

    console = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the machine's console is logged in as `operator`, without a password. For trying things out.";
    };

    sealed = mkOption {
      type = types.bool;
      default = false;
      description = "Whether it is meant that nobody can log in: the server is governed from git alone, and replaced when it must change.";
    };

    upgrade = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "git+https://git.example.org/shop.git#ber-1";
      description = ''
        The configuration of this server in a flake, which it upgrades itself to every night; it restarts if the kernel
        changed. Without it, upgrades are pushed: `nixos-rebuild switch --target-host`.
      '';
    };
  };

  config = {
    assertions = [
      {
        assertion = cfg.keys != [ ] || cfg.console || cfg.sealed;
        message = "nobody could log in to this server: give services.provost.appliance.keys, or say that it is meant with services.provost.appliance.sealed = true";
      }
      {
        assertion = !cfg.sealed || (cfg.keys == [ ] && !cfg.console);
        message = "services.provost.appliance.sealed contradicts keys and console: keep one";
      }
    ];

    services.provost = {
      enable = true;
      operators = lib.optional (!cfg.sealed) "operator";
    };

    # Who may be here. Users are what the configuration says, and nothing that was typed on the machine.
    users.mutableUsers = false;
    users.allowNoPasswordLogin = cfg.keys == [ ];
    users.users.operator = lib.mkIf (!cfg.sealed) {
      isNormalUser = true;
      extraGroups = [ "wheel" ];
      openssh.authorizedKeys.keys = cfg.keys;
    };
    security.sudo.wheelNeedsPassword = false;
    services.getty.autologinUser = lib.mkIf cfg.console "operator";
    services.openssh = {
      enable = cfg.keys != [ ];
      settings = {
        PasswordAuthentication = false;
        KbdInteractiveAuthentication = false;
        PermitRootLogin = "no";
      };
    };

    # The disk: a boot partition, and the rest, which grows to the disk's size.
    fileSystems."/" = {
      device = mkDefault "/dev/disk/by-label/nixos";
      fsType = mkDefault "ext4";
      autoResize = mkDefault true;
    };
    fileSystems."/boot" = {
      device = mkDefault "/dev/disk/by-label/ESP";
      fsType = mkDefault "vfat";
    };
    boot.growPartition = mkDefault true;
    # Each generation is an entry of the boot menu: the one before is one key away.
    boot.loader.systemd-boot.enable = mkDefault true;
    boot.loader.systemd-boot.configurationLimit = mkDefault 10;
    boot.kernelParams = [ "console=ttyS0" ];

    networking.useDHCP = mkDefault true;
    time.timeZone = mkDefault "UTC";
    documentation.enable = mkDefault false;

    nix.settings.experimental-features = [
      "nix-command"
      "flakes"
    ];
    nix.gc = {
      automatic = mkDefault true;
      options = mkDefault "--delete-older-than 30d";
    };
    system.autoUpgrade = lib.mkIf (cfg.upgrade != null) {
      enable = true;
      flake = cfg.upgrade;
      allowReboot = true;
    };
    system.stateVersion = mkDefault "26.05";
  };
}
