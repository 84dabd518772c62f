# What is known of options, as data for documents.
{ lib }:
let
  # A value as it would be written in a module.
  render =
    value:
    if (value._type or null) == "literalExpression" then
      value
    else
      {
        _type = "literalExpression";
        text = write "" value;
      };
  write =
    indent: value:
    let
      more = "${indent}  ";
    in
    if builtins.isAttrs value && value == { } then
      "{ }"
    else if builtins.isAttrs value then
      "{\n${lib.concatStringsSep "" (lib.mapAttrsToList (name: inner: "${more}${name} = ${write more inner};\n") value)}${indent}}"
    else if value == [ ] then
      "[ ]"
    else if builtins.isList value then
      "[\n${lib.concatMapStringsSep "" (inner: "${more}${write more inner}\n") value}${indent}]"
    else
      builtins.toJSON value;

  document =
    option:
    {
      name = lib.showOption option.path;
      description = option.description or "";
      type = option.type.description;
      internal = option.internal or false;
      visible = option.visible or true;
      readOnly = option.readOnly or false;
    }
    // lib.optionalAttrs (option ? default) { default = render (option.defaultText or option.default); }
    // lib.optionalAttrs (option ? example) { example = render option.example; };

  collect =
    options:
    builtins.concatMap (
      option:
      if option._type or null == "option" then
        [ (document option) ] ++ collect ((option.type.nested or (path: { })) option.path)
      else
        collect option
    ) (builtins.attrValues options);
in
{
  optionAttrSetToDocList = collect;
}
