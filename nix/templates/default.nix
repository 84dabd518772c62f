# `nix flake init -t …#NAME`.
{
  default = {
    path = ./shop;
    description = "A shop: automations, a policy, their images, and servers to boot";
  };
  automation = {
    path = ../../crates/provost/templates/nix/automation;
    description = "One automation with its image";
  };
  policy = {
    path = ../../crates/provost/templates/nix/policy;
    description = "A policy with an image for its hooks";
  };
  plugin = {
    path = ../../crates/provost/templates/nix/plugin;
    description = "A plugin with its image";
  };
}
