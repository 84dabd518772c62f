# The units of systemd, as files.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  line = name: value: "${name}=${if value == true then "true" else if value == false then "false" else toString value}\n";
  lines = lib.mapAttrsToList (
    name: value: if builtins.isList value then lib.concatMapStringsSep "" (line name) value else line name value
  );
  section = name: values: "[${name}]\n${lib.concatStringsSep "" (lines values)}\n";
  filled = lib.filterAttrs (name: value: value != "");

  unit =
    name: service:
    pkgs.writeText "${name}.service" (
      section "Unit" (filled {
        Description = service.description;
        Documentation = toString service.documentation;
        Wants = toString service.wants;
        After = toString service.after;
      })
      + section "Service" (
        {
          Environment = lib.optional (
            service.path != [ ]
          ) "PATH=${lib.concatMapStringsSep ":" (package: "${package}/bin") service.path}";
        }
        // service.serviceConfig
      )
      + section "Install" (filled { WantedBy = toString service.wantedBy; })
    );
in
{
  config.system.build.units = builtins.mapAttrs unit config.systemd.services;
}
