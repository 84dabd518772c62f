# The types of options: what a value must be, how several become one, and how it is called in documents.
{ lib }:
let
  inherit (builtins)
    all
    concatMap
    elem
    isAttrs
    isBool
    isFloat
    isInt
    isList
    isString
    ;
  inherit (lib) mergeDefinitions showOption;

  values = map (definition: definition.value);

  # Several definitions of one priority must agree.
  mergeEqual =
    path: definitions:
    let
      first = (builtins.head definitions).value;
    in
    if all (value: value == first) (values definitions) then
      first
    else
      throw "The option `${showOption path}' has conflicting definition values";

  simple = description: check: {
    inherit description check;
    merge = mergeEqual;
  };

  # In a phrase such as `list of (null or string)`.
  phrase = type: if type.isPhrase or false then "(${type.description})" else type.description;
in
rec {
  raw = simple "raw value" (value: true) // {
    merge = path: definitions: (builtins.head definitions).value;
  };
  bool = simple "boolean" isBool;
  int = simple "signed integer" isInt;
  float = simple "floating point number" isFloat;
  str = simple "string" isString;
  path = simple "absolute path" (value: (isString value || builtins.isPath value) && lib.hasPrefix "/" (toString value));
  package = simple "package" (value: lib.isDerivation value || isString value && lib.hasPrefix builtins.storeDir value);
  enum =
    words:
    simple (if builtins.length words == 1 then "value ${builtins.toJSON (builtins.head words)} (singular enum)" else "one of ${lib.concatMapStringsSep ", " builtins.toJSON words}") (
      value: elem value words
    );

  nullOr = type: {
    description = "null or ${phrase type}";
    isPhrase = true;
    check = value: value == null || type.check value;
    merge =
      path: definitions: if all (value: value == null) (values definitions) then null else type.merge path definitions;
    emptyValue = null;
    nested = type.nested or (path: { });
  };

  either = first: second: {
    description = "${first.description} or ${phrase second}";
    isPhrase = true;
    check = value: first.check value || second.check value;
    merge =
      path: definitions:
      if all first.check (values definitions) then first.merge path definitions else second.merge path definitions;
  };
  oneOf = types: lib.foldr1 either types;

  listOf = type: {
    description = "list of ${phrase type}";
    check = isList;
    merge =
      path: definitions:
      concatMap (
        definition:
        concatMap (
          value:
          let
            merged = mergeDefinitions (path ++ [ "*" ]) type [ { inherit (definition) file; inherit value; } ];
          in
          lib.optional merged.isDefined merged.value
        ) definition.value
      ) definitions;
    emptyValue = [ ];
  };

  attrsOf = type: {
    description = "attribute set of ${phrase type}";
    check = isAttrs;
    merge =
      path: definitions:
      let
        sets = concatMap (
          definition: map (value: { inherit (definition) file; inherit value; }) (lib.pushDown definition.value)
        ) definitions;
        names = lib.unique (concatMap (definition: builtins.attrNames definition.value) sets);
        merged = lib.genAttrs names (
          name:
          mergeDefinitions (path ++ [ name ]) type (
            concatMap (definition: lib.optional (definition.value ? ${name}) {
              inherit (definition) file;
              value = definition.value.${name};
            }) sets
          )
        );
      in
      builtins.mapAttrs (name: result: result.value) (lib.filterAttrs (name: result: result.isDefined) merged);
    emptyValue = { };
    nested = path: (type.nested or (path: { })) (path ++ [ "<name>" ]);
  };

  submodule =
    module:
    let
      evaluate =
        path: modules:
        lib.evalModules {
          modules = [ module ] ++ modules;
          prefix = path;
          specialArgs.name = lib.last path;
        };
      freeform = (evaluate [ "" ] [ ]).freeformType;
    in
    {
      description = if freeform == null then "submodule" else "open submodule of ${phrase freeform}";
      check = value: isAttrs value || builtins.isFunction value;
      merge =
        path: definitions:
        (evaluate path (
          map (definition: {
            _file = definition.file;
            config = definition.value;
          }) definitions
        )).config;
      emptyValue = { };
      nested = path: (evaluate path [ ]).options;
    };
}
