# The appliance as an example: it runs the manifests of this repository, with the toolbox image baked in, and asks
# nobody for anything. A server of yours is made from the template: `nix flake init`.
{
  self,
  lib,
  system,
}:
lib.nixosSystem {
  inherit system;
  modules = [
    self.nixosModules.appliance
    {
      networking.hostName = "provost";
      services.provost = {
        images = [ self.packages.${system}.image-toolbox ];
        settings.source.folder.path = "${../manifests}";
        appliance.console = true;
      };
    }
  ];
}
