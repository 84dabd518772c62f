# A hook: it reads /provost/event.json, and what it writes to /provost/out is its answer.
{ writeShellApplication }:
writeShellApplication {
  name = "announce";
  text = ''
    echo "''${PROVOST_EVENT:-no event} of ''${PROVOST_AUTOMATION:-nothing}"
  '';
}
