//! Commands that read and write files.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

use crate::{Outcome, args::Args, failure::Failure, output};

/// `cat FILE`
pub fn cat(mut args: Args) -> Outcome {
    let path = args.text("the file")?;
    args.end()?;
    let mut file = File::open(&path).map_err(|error| Failure::at("open", &path, &error))?;
    io::copy(&mut file, &mut io::stdout().lock()).map_err(|error| Failure::at("print", &path, &error))?;
    Ok(0)
}

/// `write FILE TEXT`
pub fn write(mut args: Args) -> Outcome {
    let path = args.text("the file")?;
    let text = args.rest().join(" ");
    if let Some(folder) = Path::new(&path).parent() {
        fs::create_dir_all(folder).map_err(|error| Failure::at("make", folder, &error))?;
    }
    fs::write(&path, text + "\n").map_err(|error| Failure::at("write", &path, &error))?;
    Ok(0)
}

/// `append FILE TEXT`
pub fn append(mut args: Args) -> Outcome {
    let path = args.text("the file")?;
    let text = args.rest().join(" ");
    append_line(Path::new(&path), &text)?;
    Ok(0)
}

/// Appends one line in a single write, so that lines of several processes never mix.
pub fn append_line(path: &Path, text: &str) -> Result<(), Failure> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .and_then(|mut file| file.write_all(format!("{text}\n").as_bytes()))
        .map_err(|error| Failure::at("append to", path, &error))
}

/// `ro-check PATH`: exit 0 and `read-only` or `denied` if nothing can be created there, 1 and `writable` otherwise.
pub fn ro_check(mut args: Args) -> Outcome {
    let folder = args.text("the path")?;
    args.end()?;
    let probe = Path::new(&folder).join(format!(".ro-check-{}", std::process::id()));
    let (answer, code) = match OpenOptions::new().write(true).create_new(true).open(&probe) {
        Ok(_) => {
            fs::remove_file(&probe).map_err(|error| Failure::at("remove", &probe, &error))?;
            ("writable", 1)
        }
        Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => ("read-only", 0),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => ("denied", 0),
        Err(error) => return Err(Failure::at("create", &probe, &error)),
    };
    output::line(&format!("{folder} is {answer}"))?;
    Ok(code)
}
