# A virtual machine that boots the appliance and is asked what it did: no registry, no network, no login.
{ self, pkgs }:
pkgs.testers.runNixOSTest {
  name = "provost";
  nodes.server = {
    imports = [ self.nixosModules.appliance ];
    services.provost = {
      images = [ self.packages.${pkgs.stdenv.hostPlatform.system}.image-toolbox ];
      settings.source.folder.path = "${../manifests}";
      appliance.console = true;
    };
  };
  testScript = ''
    server.wait_for_unit("provost.service")
    server.wait_until_succeeds("provost status", timeout=60)
    server.wait_until_succeeds("provost get runs heartbeat --outcome succeeded -o name | grep .", timeout=180)
    server.fail("su -s /bin/sh nobody -c 'provost status'")
    server.succeed("su -s /bin/sh operator -c 'provost status'")
    server.systemctl("restart provost.service")
    server.wait_until_succeeds("provost status", timeout=60)
  '';
}
