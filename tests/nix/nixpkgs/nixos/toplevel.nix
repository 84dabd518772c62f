# The system: what the configuration comes to, as far as this stand-in goes, if its assertions hold.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  failed = lib.filter (item: !item.assertion) config.assertions;

  mayLogIn = name: user: builtins.elem "wheel" user.extraGroups && user.openssh.authorizedKeys.keys != [ ];

  toplevel = pkgs.runCommand "nixos-system-${config.networking.hostName}-${config.system.stateVersion}" { } ''
    mkdir -p $out/etc/systemd/system $out/sw
    ${lib.concatStringsSep "\n" (
      lib.mapAttrsToList (name: unit: "cp ${unit} $out/etc/systemd/system/${name}.service") config.system.build.units
    )}
    ${lib.concatStringsSep "\n" (
      lib.mapAttrsToList (name: file: ''
        mkdir -p $out/etc/$(dirname ${name})
        cp ${file.source} $out/etc/${name}
      '') config.environment.etc
    )}
    for package in ${lib.concatStringsSep " " config.environment.systemPackages}; do cp -rsf $package/. $out/sw; done
    cp ${
      pkgs.writeText "configuration.json" (
        builtins.toJSON (
          removeAttrs config [
            "assertions"
            "environment"
            "services"
            "system"
            "systemd"
          ]
        )
      )
    } $out/configuration.json
  '';
in
{
  config = {
    assertions = [
      {
        assertion = config.fileSystems ? "/";
        message = "The ‘fileSystems’ option does not specify your root file system.";
      }
      {
        assertion =
          config.users.mutableUsers
          || config.users.allowNoPasswordLogin
          || builtins.any (name: mayLogIn name config.users.users.${name}) (lib.attrNames config.users.users);
        message = "Neither the root account nor any wheel user has a password or SSH authorized key.";
      }
      {
        assertion = builtins.all (user: user.isSystemUser != user.isNormalUser) (lib.attrValues config.users.users);
        message = "Exactly one of isSystemUser and isNormalUser must be set.";
      }
    ];

    system.build.toplevel =
      if failed == [ ] then
        toplevel
      else
        throw "\nFailed assertions:\n${lib.concatMapStringsSep "\n" (item: "- ${item.message}") failed}";

    # NixOS makes disks of it; here its system alone is what there is to see.
    system.build.images.qemu-efi = pkgs.linkFarm "nixos-image-qemu-efi" [
      {
        name = "system";
        path = config.system.build.toplevel;
      }
    ];
  };
}
