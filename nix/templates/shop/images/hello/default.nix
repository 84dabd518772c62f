# A job. Any package will do: a program of your own, or one of nixpkgs.
{ writeShellApplication }:
writeShellApplication {
  name = "hello";
  text = ''
    echo "hello from ''${PROVOST_AUTOMATION:-nowhere}"
  '';
}
