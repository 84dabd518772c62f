//! `provost pack-image`: an image archive from a recipe, the same bytes for the same input.

use std::path::{Path, PathBuf};

use provost_image::Recipe;

use crate::app::App;
use crate::exit::{Exit, Failure, Outcome};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The recipe: images/toolbox/image.json
    #[arg(value_name = "RECIPE")]
    recipe: PathBuf,
    /// A file that the recipe names, and where it is; again for more
    #[arg(long = "file", value_name = "NAME=PATH")]
    files: Vec<String>,
    /// The image's tag
    #[arg(long, value_name = "TAG", default_value = env!("CARGO_PKG_VERSION"))]
    tag: String,
    /// The archive to write
    #[arg(long, value_name = "FILE")]
    write: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args, app: &mut App) -> Outcome {
    let text = std::fs::read_to_string(&args.recipe)
        .map_err(|error| Failure::not_found(format!("{} cannot be read: {error}", args.recipe.display())))?;
    let recipe = Recipe::parse(&text).map_err(|error| Failure::no(format!("{}: {error}", args.recipe.display())))?;
    let place =
        |name: &str| args.files.iter().filter_map(|file| file.split_once('=')).find(|(known, _)| *known == name);
    let read = |name: &str| {
        let beside = args.recipe.parent().unwrap_or(Path::new(".")).join(name);
        std::fs::read(place(name).map_or(beside, |(_, path)| PathBuf::from(path)))
    };
    let archive = recipe.pack(&args.tag, read).map_err(Failure::no)?;
    let folder = args.write.parent().unwrap_or(Path::new("."));
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&args.write, &archive.bytes));
    written.map_err(|error| Failure::no(format!("{} cannot be written: {error}", args.write.display())))?;
    app.output.line(archive.config_digest.to_string())?;
    Ok(Exit::Done)
}
