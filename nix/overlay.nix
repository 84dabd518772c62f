# What Provost adds to nixpkgs.
{ revision }:
final: prev: {
  provost = final.callPackage ./package.nix { };
  provostPrograms = final.callPackage ./programs.nix { };
  provostImages = import ./images.nix { inherit revision; pkgs = final; };
}
