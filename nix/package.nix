# `provost`: the program, its man pages and completions. It calls `git` for git sources, and `ssh` for ssh remotes: the
# module and the reconciler image bring both; elsewhere they are those of the PATH.
{ lib, rustPlatform }:
rustPlatform.buildRustPackage (
  import ./cargo.nix { inherit lib; }
  // {
    pname = "provost";
    cargoBuildFlags = [
      "--package"
      "provost"
    ];
    # `nix flake check` runs the tests, as a check of its own.
    doCheck = false;
    postInstall = ''
      mkdir -p $out/share/man/man1 $out/share/bash-completion/completions $out/share/zsh/site-functions $out/share/fish/vendor_completions.d
      $out/bin/provost --quiet man --write $out/share/man/man1
      $out/bin/provost completion bash >$out/share/bash-completion/completions/provost
      $out/bin/provost completion zsh >$out/share/zsh/site-functions/_provost
      $out/bin/provost completion fish >$out/share/fish/vendor_completions.d/provost.fish
    '';
    meta = {
      description = "Cron-scheduled containers, governed by policy from git";
      license = lib.licenses.asl20;
      mainProgram = "provost";
      platforms = lib.platforms.linux;
    };
  }
)
