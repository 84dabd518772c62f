# Evaluates modules: options that some declare and others define.
#
# A definition is `{ file; value; }`. Properties (`mkIf`, `mkMerge`, `mkOverride`) stand around values at any depth; they
# are pushed down to the options first, and resolved there, so that a condition may depend on other options.
{ lib }:
let
  inherit (builtins)
    concatMap
    filter
    foldl'
    functionArgs
    isAttrs
    isFunction
    mapAttrs
    ;
  inherit (lib) showOption;

  kind = value: if isAttrs value then value._type or null else null;

  # The attribute sets in `value`, with the properties around it moved to their attributes.
  pushDown =
    value:
    {
      merge = concatMap pushDown value.contents;
      "if" = map (mapAttrs (name: lib.mkIf value.condition)) (pushDown value.content);
      override = map (mapAttrs (name: lib.mkOverride value.priority)) (pushDown value.content);
    }
    .${if kind value == null then "" else kind value} or [ value ];

  # The definitions in a definition, each with its priority.
  resolve =
    priority: definition:
    let
      inherit (definition) file value;
      inner = content: { inherit file; value = content; };
    in
    {
      merge = concatMap (content: resolve priority (inner content)) value.contents;
      "if" = lib.optionals value.condition (resolve priority (inner value.content));
      override = resolve value.priority (inner value.content);
    }
    .${if kind value == null then "" else kind value} or [ (definition // { inherit priority; }) ];

  # The value of an option: of the definitions with the lowest priority, merged as its type does.
  mergeDefinitions =
    path: type: definitions:
    let
      all = concatMap (resolve 100) definitions;
      lowest = foldl' (known: definition: if definition.priority < known then definition.priority else known) 9999 all;
      valid = filter (definition: definition.priority == lowest) all;
      checked = map (
        definition:
        if type.check definition.value then
          definition
        else
          throw "A definition for option `${showOption path}' is not of type `${type.description}'. It is in ${definition.file}"
      ) valid;
    in
    {
      isDefined = valid != [ ];
      count = builtins.length all;
      value =
        if valid == [ ] then
          type.emptyValue or (throw "The option `${showOption path}' was accessed but has no value defined. Try setting the option.")
        else
          type.merge path checked;
    };

  evalOption =
    path: option: definitions:
    let
      type = option.type or lib.types.raw;
      default = lib.optional (option ? default) {
        file = "its default";
        value = lib.mkOptionDefault option.default;
      };
      merged = mergeDefinitions path type (definitions ++ default);
    in
    option
    // {
      inherit path type;
      value =
        if option.readOnly or false && merged.count > 1 then
          throw "The option `${showOption path}' is read-only, but it's set multiple times"
        else
          merged.value;
    };

  # One level of the tree: its options by name, their values, and the definitions that nobody declared.
  evalLevel =
    path: declarations: definitions:
    let
      declared = lib.unique (concatMap builtins.attrNames declarations);
      sets = concatMap (definition: map (value: { inherit (definition) file; inherit value; }) (pushDown definition.value)) definitions;
      ofName =
        name:
        concatMap (definition: lib.optional (definition.value ? ${name}) {
          inherit (definition) file;
          value = definition.value.${name};
        }) sets;
      child =
        name:
        let
          here = path ++ [ name ];
          found = map (declaration: declaration.${name}) (filter (declaration: declaration ? ${name}) declarations);
        in
        if builtins.any (declaration: kind declaration == "option") found then
          if builtins.length found > 1 then
            throw "The option `${showOption here}' is declared more than once"
          else
            { option = evalOption here (builtins.head found) (ofName name); }
        else
          evalLevel here found (ofName name);
      children = lib.genAttrs declared child;
      strange = concatMap (
        definition:
        map (name: {
          inherit (definition) file;
          path = path ++ [ name ];
          value = definition.value.${name};
        }) (filter (name: !(builtins.elem name declared)) (builtins.attrNames definition.value))
      ) sets;
    in
    {
      options = mapAttrs (name: child: child.option or child.options) children;
      config = mapAttrs (name: child: if child ? option then child.option.value else child.config) children;
      unknown = strange ++ concatMap (child: child.unknown or [ ]) (builtins.attrValues children);
    };

  long = [
    "_file"
    "config"
    "freeformType"
    "imports"
    "options"
  ];

  # A module and those that it imports, in the long form.
  load =
    arguments: module:
    let
      opened = if isAttrs module || isFunction module then module else import module;
      called = if isFunction opened then opened (mapAttrs (name: _: arguments.${name}) (functionArgs opened)) else opened;
      isLong = called ? options || called ? config || called ? freeformType;
      wrong = filter (name: !(builtins.elem name long)) (builtins.attrNames called);
      file = called._file or (if isAttrs module || isFunction module then "a module" else toString module);
    in
    if isLong && wrong != [ ] then
      throw "${file} has an unsupported attribute `${builtins.head wrong}'; move it into `config'"
    else
      [
        {
          inherit file;
          options = called.options or { };
          freeform = lib.optional (called ? freeformType) called.freeformType;
          config = called.config or (if isLong then { } else removeAttrs called long);
        }
      ]
      ++ concatMap (load arguments) (called.imports or [ ]);
in
{
  inherit mergeDefinitions pushDown;

  evalModules =
    {
      modules,
      specialArgs ? { },
      prefix ? [ ],
    }:
    let
      own = {
        options._module = {
          args = lib.mkOption {
            type = lib.types.attrsOf lib.types.raw;
            default = { };
            internal = true;
          };
          check = lib.mkOption {
            type = lib.types.bool;
            default = true;
            internal = true;
          };
        };
      };
      # A module's arguments may come from the configuration, so they are looked up one by one.
      arguments = specialArgs // {
        inherit config lib;
        inherit (level) options;
        pkgs = specialArgs.pkgs or level.config._module.args.pkgs;
        name = specialArgs.name or level.config._module.args.name;
      };
      loaded = concatMap (load arguments) ([ own ] ++ modules);
      level = evalLevel prefix (map (module: module.options) loaded) (
        map (module: {
          inherit (module) file;
          value = module.config;
        }) loaded
      );
      freeform = concatMap (module: module.freeform) loaded;
      strangers = map (definition: {
        inherit (definition) file;
        value = lib.setAttrByPath (lib.drop (builtins.length prefix) definition.path) definition.value;
      }) level.unknown;
      unknown = builtins.head level.unknown;
      config =
        if freeform != [ ] then
          lib.recursiveUpdate (mergeDefinitions prefix (lib.types.attrsOf (builtins.head freeform)) strangers).value
            level.config
        else if level.unknown != [ ] && level.config._module.check then
          throw "The option `${showOption unknown.path}' does not exist. It is set in ${unknown.file}"
        else
          level.config;
    in
    {
      inherit (level) options;
      config = removeAttrs config [ "_module" ];
      freeformType = if freeform == [ ] then null else builtins.head freeform;
    };
}
