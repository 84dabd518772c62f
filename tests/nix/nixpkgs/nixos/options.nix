# The options, declared as NixOS declares them. What is not here does not exist.
{ lib, ... }:
let
  inherit (lib) mkOption;
  inherit (lib.types)
    attrsOf
    bool
    int
    listOf
    nullOr
    oneOf
    package
    raw
    str
    submodule
    ;

  option = type: default: mkOption { inherit type default; };
  flag = option bool false;
  text = option (nullOr str) null;
  texts = option (listOf str) [ ];
  required = type: mkOption { inherit type; };
  group = options: option (attrsOf (submodule { inherit options; })) { };

  # A value in a section of a unit; lists become repeated lines.
  unitValue = oneOf [
    bool
    int
    str
    (listOf str)
  ];
  section = option (attrsOf unitValue) { };
in
{
  options = {
    assertions = option (listOf raw) [ ];
    system.build = option (attrsOf raw) { };
    system.stateVersion = required str;
    system.autoUpgrade = {
      enable = flag;
      flake = text;
      allowReboot = flag;
    };

    boot.growPartition = flag;
    boot.kernelParams = texts;
    boot.loader.systemd-boot.enable = flag;
    boot.loader.systemd-boot.configurationLimit = option (nullOr int) null;
    fileSystems = group {
      device = text;
      fsType = required str;
      autoResize = flag;
    };

    documentation.enable = option bool true;
    environment.systemPackages = option (listOf package) [ ];
    environment.etc = group { source = required raw; };
    networking.hostName = option str "nixos";
    networking.useDHCP = option bool true;
    nix.gc.automatic = flag;
    nix.gc.options = option str "";
    nix.settings = option (attrsOf raw) { };
    time.timeZone = text;

    services.getty.autologinUser = text;
    services.openssh.enable = flag;
    services.openssh.settings = option (attrsOf raw) { };

    security.sudo.wheelNeedsPassword = option bool true;
    users.mutableUsers = option bool true;
    users.allowNoPasswordLogin = flag;
    users.groups = group { members = texts; };
    users.users = group {
      isSystemUser = flag;
      isNormalUser = flag;
      group = option str "";
      home = option str "/var/empty";
      description = option str "";
      extraGroups = texts;
      openssh.authorizedKeys.keys = texts;
    };

    systemd.services = group {
      description = option str "";
      documentation = texts;
      wantedBy = texts;
      wants = texts;
      after = texts;
      path = option (listOf package) [ ];
      serviceConfig = section;
    };

    virtualisation.docker.enable = flag;
    virtualisation.podman.enable = flag;
  };
}
