{ mkImage, ... }:
mkImage { recipe = ./image.json; }
