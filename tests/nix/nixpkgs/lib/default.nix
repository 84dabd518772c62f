# The library: small functions that nixpkgs has under the same names.
let
  inherit (builtins)
    attrNames
    concatLists
    concatStringsSep
    elemAt
    filter
    foldl'
    isAttrs
    isString
    length
    listToAttrs
    map
    replaceStrings
    split
    stringLength
    substring
    ;

  lib =
    rec {
      inherit (builtins)
        attrNames
        attrValues
        concatMap
        concatStringsSep
        elem
        filter
        head
        length
        mapAttrs
        tail
        ;

      # Lists.
      optional = condition: value: if condition then [ value ] else [ ];
      optionals = condition: list: if condition then list else [ ];
      last = list: elemAt list (length list - 1);
      unique = foldl' (known: value: if builtins.elem value known then known else known ++ [ value ]) [ ];
      drop = count: list: builtins.genList (index: elemAt list (index + count)) (length list - count);
      foldr1 = f: list: if length list == 1 then builtins.head list else f (builtins.head list) (foldr1 f (builtins.tail list));

      # Attributes.
      nameValuePair = name: value: { inherit name value; };
      genAttrs = names: f: listToAttrs (map (name: nameValuePair name (f name)) names);
      mapAttrs' = f: set: listToAttrs (map (name: f name set.${name}) (attrNames set));
      mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
      filterAttrs =
        keep: set: listToAttrs (concatLists (mapAttrsToList (name: value: optional (keep name value) { inherit name value; }) set));
      filterAttrsRecursive =
        keep: set:
        builtins.mapAttrs (name: value: if isAttrs value && !isDerivation value then filterAttrsRecursive keep value else value) (
          filterAttrs keep set
        );
      optionalAttrs = condition: set: if condition then set else { };
      setAttrByPath = path: value: foldl' (inner: name: { ${name} = inner; }) value (reverse path);
      reverse = list: builtins.genList (index: elemAt list (length list - 1 - index)) (length list);
      recursiveUpdate =
        old: new:
        old
        // builtins.mapAttrs (
          name: value: if isAttrs value && isAttrs (old.${name} or null) then recursiveUpdate old.${name} value else value
        ) new;
      isDerivation = value: value.type or null == "derivation";

      # Strings.
      hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
      hasSuffix =
        suffix: text:
        let
          start = stringLength text - stringLength suffix;
        in
        start >= 0 && substring start (-1) text == suffix;
      hasInfix = infix: text: replaceStrings [ infix ] [ "" ] text != text;
      removePrefix = prefix: text: if hasPrefix prefix text then substring (stringLength prefix) (-1) text else text;
      removeSuffix =
        suffix: text: if hasSuffix suffix text then substring 0 (stringLength text - stringLength suffix) text else text;
      splitString = separator: text: filter isString (split (escapeRegex separator) text);
      escapeRegex = replaceStrings [ "." "/" "-" ] [ "\\." "/" "-" ];
      concatMapStringsSep = separator: f: list: concatStringsSep separator (map f list);
      toUpper = replaceStrings (lib.stringToCharacters "abcdefghijklmnopqrstuvwxyz") (lib.stringToCharacters "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
      stringToCharacters = text: builtins.genList (index: substring index 1 text) (stringLength text);
      optionalString = condition: text: if condition then text else "";

      # Files and packages.
      cleanSourceWith =
        {
          src,
          filter,
          name,
        }:
        builtins.path {
          inherit name filter;
          path = src;
        };
      getExe = package: "${package}/bin/${package.meta.mainProgram or (throw "${package.name} has no meta.mainProgram")}";
      licenses.asl20 = {
        spdxId = "Apache-2.0";
      };
      platforms.linux = [
        "x86_64-linux"
        "aarch64-linux"
      ];
    }
    // import ./options.nix { inherit lib; }
    // import ./modules.nix { inherit lib; }
    // import ./documents.nix { inherit lib; }
    // {
      types = import ./types.nix { inherit lib; };
    };
in
lib
