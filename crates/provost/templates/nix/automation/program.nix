# The job. Any package will do: a program of your own, or one of nixpkgs.
{ writeShellApplication }:
writeShellApplication {
  name = "my-automation";
  text = ''
    echo "attempt ''${PROVOST_ATTEMPT:-0} of ''${PROVOST_AUTOMATION:-nothing}"
  '';
}
