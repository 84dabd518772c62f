# How images are made: reproducible, from scratch, not as root.
#
# Each is an archive that every engine loads (`docker load <result`); its attribute `stream` is a program that prints the
# same archive, for a pipe to an engine or a registry without a copy in the store. Not compressed: some readers of
# archives want that, and digests then depend on the content alone.
{ lib, dockerTools }:
let
  nobody = "65532:65532";

  # Commands that make a folder with permissions and an owner of its own.
  folder =
    {
      path,
      mode,
      owner,
    }:
    ''
      mkdir -p ${path}
      chmod ${mode} ${path}
      chown ${owner} ${path}
    '';

  tmp = {
    path = "tmp";
    mode = "1777";
    owner = "0:0";
  };

  build =
    {
      name,
      tag,
      config,
      contents,
      directories,
      extraCommands ? "",
    }:
    let
      arguments = {
        inherit
          name
          tag
          config
          contents
          extraCommands
          ;
        created = "1970-01-01T00:00:01Z";
        fakeRootCommands = lib.concatMapStringsSep "" folder directories;
      };
    in
    dockerTools.buildLayeredImage (arguments // { compressor = "none"; })
    // {
      stream = dockerTools.streamLayeredImage arguments;
      reference = "${name}:${tag}";
    };

  environment = lib.mapAttrsToList (name: value: "${name}=${value}");
in
rec {
  # The image of a recipe (`images/*/image.json`), with `contents` from nixpkgs besides. `provost pack-image` makes the
  # same files from the same recipe; its digest differs, because the two write their tar files and indexes each in
  # their own way.
  fromRecipe =
    {
      recipe,
      programs,
      version,
      revision,
      contents ? [ ],
      env ? { },
    }:
    let
      data = builtins.fromJSON (builtins.readFile recipe);
      place = file: "install -D -m ${file.mode} ${programs}/bin/${file.from} ${file.path}\n";
    in
    build {
      inherit (data) name;
      inherit contents;
      tag = version;
      config = {
        Entrypoint = data.entrypoint;
        Cmd = data.command or [ ];
        User = data.user;
        Env = environment ((data.env or { }) // env);
        Labels = data.labels // {
          "org.opencontainers.image.source" = "https://git.example.org/provost.git";
          "org.opencontainers.image.revision" = revision;
          "org.opencontainers.image.version" = version;
        };
      };
      directories = data.directories or [ ];
      extraCommands = lib.concatMapStringsSep "" place (data.files or [ ]);
    };

  # A shop's own job, from a package. `/data` belongs to its user, so that a new volume there is writable.
  #
  # Manifests name it as `image: NAME`, which means `NAME:latest`; give a `tag` to keep several.
  mkAutomationImage =
    {
      name,
      package,
      tag ? "latest",
      entrypoint ? [ (lib.getExe package) ],
      args ? [ ],
      env ? { },
      user ? nobody,
      workingDir ? "/",
      contents ? [ ],
      directories ? [
        {
          path = "data";
          mode = "0755";
          owner = user;
        }
        tmp
      ],
      labels ? { },
    }:
    build {
      inherit
        name
        tag
        contents
        directories
        ;
      config = {
        Entrypoint = entrypoint;
        Cmd = args;
        Env = environment env;
        User = user;
        WorkingDir = workingDir;
        Labels = {
          "org.opencontainers.image.title" = name;
        }
        // lib.optionalAttrs (package ? version) { "org.opencontainers.image.version" = package.version; }
        // labels;
      };
    };

  # A hook: as above, with `/tmp` alone. What it has to say goes through `/provost/out`.
  mkHookImage = arguments: mkAutomationImage ({ directories = [ tmp ]; } // arguments);
}
