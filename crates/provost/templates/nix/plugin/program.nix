# The hooks: which event it is says PROVOST_EVENT, all of it says /provost/event.json.
{ writeShellApplication }:
writeShellApplication {
  name = "my-plugin";
  text = ''
    echo "''${PROVOST_EVENT:-no event}"
  '';
}
