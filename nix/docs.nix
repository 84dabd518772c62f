# docs/module.md: the options of the module and of the appliance, from their own text.
{ self, pkgs }:
let
  inherit (pkgs) lib;
  evaluated = lib.evalModules {
    modules = [
      self.nixosModules.appliance
      {
        # Only the declarations are of interest: what they set elsewhere is not looked at.
        _module.check = false;
      }
    ];
    specialArgs = { inherit pkgs; };
  };
  wanted = option: lib.hasPrefix "services.provost" option.name && option.visible && !option.internal;
  options = lib.filter wanted (lib.optionAttrSetToDocList evaluated.options);

  # Text and values are marked up alike; a value that is longer than a line becomes a block.
  value =
    label: option:
    if !(option ? text) then
      ""
    else if lib.hasInfix "\n" (lib.removeSuffix "\n" option.text) then
      "${label}:\n\n```nix\n${lib.removeSuffix "\n" option.text}\n```\n\n"
    else
      "${label}: `${lib.removeSuffix "\n" option.text}`\n\n";
  section = option: ''
    ## `${option.name}`

    ${lib.removeSuffix "\n" option.description}

    Type: ${option.type}

    ${value "Default" (option.default or { })}${value "Example" (option.example or { })}'';
in
pkgs.writeText "module.md" (
  ''
    # The NixOS module

    Made from the options' own text by `nix build .#checks.x86_64-linux.docs.page`; a test compares the two.

  ''
  + lib.removeSuffix "\n" (lib.concatMapStringsSep "" section options)
)
