# `nix flake init -t …#NAME`.
{
  default = {
    path = ./shop;
    description = "A shop: automations, a policy, their images, and servers to boot";
  };
  automation = {
    path = ./automation;
    description = "One automation with its image";
  };
  policy = {
    path = ./policy;
    description = "A policy with an image for its hooks";
  };
  plugin = {
    path = ./plugin;
    description = "A plugin with its image";
  };
}
