# How modules declare options and say under which conditions a definition holds.
{ lib }:
rec {
  mkOption =
    {
      type ? lib.types.raw,
      default ? null,
      defaultText ? null,
      example ? null,
      description ? "",
      readOnly ? false,
      internal ? false,
      visible ? true,
    }@option:
    option // { _type = "option"; };

  mkEnableOption =
    what:
    mkOption {
      type = lib.types.bool;
      default = false;
      example = true;
      description = "Whether to enable ${what}.";
    };

  literalExpression = text: {
    _type = "literalExpression";
    inherit text;
  };

  mkIf = condition: content: {
    _type = "if";
    inherit condition content;
  };
  mkMerge = contents: {
    _type = "merge";
    inherit contents;
  };
  mkOverride = priority: content: {
    _type = "override";
    inherit priority content;
  };
  # The lowest number wins.
  mkForce = mkOverride 50;
  mkDefault = mkOverride 1000;
  mkOptionDefault = mkOverride 1500;

  showOption = lib.concatStringsSep ".";
}
