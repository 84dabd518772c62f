# The hook: it reads /provost/event.json, and what it writes to /provost/out is its answer.
{ writeShellApplication }:
writeShellApplication {
  name = "my-policy";
  text = ''
    if [ "''${PROVOST_EVENT:-}" = run.starting ]; then
      echo '{"allow": true}' >/provost/out/reply.json
    fi
    echo "''${PROVOST_EVENT:-no event} of ''${PROVOST_AUTOMATION:-nothing}"
  '';
}
