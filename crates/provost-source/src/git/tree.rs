//! Reading the manifests of a commit, without a work tree.

use provost_controller::{SourceError, SourceFile};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout};

use super::Trouble;
use super::command::GitError;
use super::names::SubFolder;
use super::repository::{CommitId, GIT_DIR, Repository};
use crate::limits::{self, Tally, is_manifest, refused};

/// The most that git may say when it lists a commit, in bytes: about a million short paths.
const LISTING_MAX: u64 = 96 * 1024 * 1024;

/// Returns every manifest below `folder` in the commit, in the order of paths.
pub(super) async fn read(
    repository: &Repository,
    commit: &CommitId,
    folder: &SubFolder,
) -> Result<Vec<SourceFile>, Trouble> {
    let tree = find(repository, commit, folder).await?;
    let listing =
        repository.run(&["ls-tree", "-r", "-z", "-l", "--full-tree", &tree], LISTING_MAX).await.map_err(too_many)?;
    let wanted = manifests(&listing)?;
    let contents = repository
        .git()
        .converse(&[GIT_DIR, "cat-file", "--batch"], |input, output| contents(&wanted, input, output))
        .await;
    let contents = contents.map_err(Trouble::Copy)?;
    Ok(wanted.into_iter().zip(contents).map(|(wanted, bytes)| SourceFile { path: wanted.path, bytes }).collect())
}

/// Returns the tree of the folder, by its id.
async fn find(repository: &Repository, commit: &CommitId, folder: &SubFolder) -> Result<String, Trouble> {
    let Some(path) = folder.as_deref() else {
        return Ok(commit.to_string());
    };
    let args = ["ls-tree", "-z", "--full-tree", commit.as_str(), "--", path];
    let listing = repository.run(&args, LISTING_MAX).await.map_err(too_many)?;
    let what = match entries(&listing).next() {
        Some(Entry { kind: Kind::Tree, id, .. }) => return Ok(id.to_owned()),
        Some(Entry { kind: Kind::File, .. }) => "a file",
        Some(Entry { kind: Kind::Link, .. }) => "a link, and links are not followed",
        Some(Entry { kind: Kind::Submodule, .. }) => "a submodule, and submodules are not fetched",
        _ => {
            return Err(
                refused(format!("commit {commit} has no folder `{path}`; correct `git.path`, or commit it")).into()
            );
        }
    };
    Err(refused(format!("`{path}` in commit {commit} is {what}; name a folder")).into())
}

fn too_many(error: GitError) -> Trouble {
    match error {
        GitError::TooMuch(_) => {
            Trouble::Source(refused("the commit has about a million files; point `git.path` at a sub-folder"))
        }
        error => Trouble::Copy(error),
    }
}

/// A manifest to be read.
struct Wanted {
    path: String,
    id: String,
    bytes: usize,
}

/// Picks the manifests from a listing.
///
/// A link with the name of a manifest is refused, since what it stands for would be missing without a word;
/// other links and submodules are left out.
fn manifests(listing: &[u8]) -> Result<Vec<Wanted>, SourceError> {
    let mut tally = Tally::default();
    let mut wanted = Vec::new();
    for Entry { kind, id, bytes, path } in entries(listing) {
        match kind {
            Kind::File => {
                let Some(path) = limits::manifest_path(path)? else {
                    continue;
                };
                tally.add(&path, bytes)?;
                wanted.push(Wanted { path, id: id.to_owned(), bytes: usize::try_from(bytes).unwrap_or(usize::MAX) });
            }
            Kind::Link if is_manifest(path) => {
                if let Some(path) = limits::manifest_path(path)? {
                    return Err(refused(format!(
                        "`{path}` is a link, and links in git are not followed; commit the file itself"
                    )));
                }
            }
            Kind::Submodule => {
                tracing::warn!(path = %path.escape_ascii(), "submodules are not fetched; manifests in it are not read");
            }
            _ => {}
        }
    }
    wanted.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(wanted)
}

/// One line of `ls-tree`.
struct Entry<'a> {
    kind: Kind,
    id: &'a str,
    /// Its size; zero for what is not a file, or when the listing does not tell.
    bytes: u64,
    path: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    Link,
    Submodule,
    Tree,
    Other,
}

/// The entries of `ls-tree -z`, with `-l` or without: `mode type id [size]`, a tab, the path.
fn entries(listing: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    listing.split(|byte| *byte == 0).filter_map(|line| {
        let tab = line.iter().position(|byte| *byte == b'\t')?;
        let mut fields = std::str::from_utf8(&line[..tab]).ok()?.split_ascii_whitespace();
        let kind = match fields.next()? {
            "100644" | "100755" | "100664" => Kind::File,
            "120000" => Kind::Link,
            "160000" => Kind::Submodule,
            "040000" => Kind::Tree,
            _ => Kind::Other,
        };
        let id = fields.nth(1)?;
        let bytes = fields.next().and_then(|size| size.parse().ok()).unwrap_or(0);
        Some(Entry { kind, id, bytes, path: &line[tab + 1..] })
    })
}

/// Asks one `cat-file --batch` for the contents, in order.
async fn contents(
    wanted: &[Wanted],
    mut input: ChildStdin,
    mut output: BufReader<ChildStdout>,
) -> Result<Vec<Vec<u8>>, GitError> {
    let ask = async move {
        let ids: String = wanted.iter().flat_map(|wanted| [&*wanted.id, "\n"]).collect();
        input.write_all(ids.as_bytes()).await?;
        input.shutdown().await?;
        Ok(())
    };
    let answer = async {
        let mut contents = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            contents.push(content(wanted, &mut output).await?);
        }
        Ok(contents)
    };
    let (asked, contents) = tokio::join!(ask, answer);
    contents.and_then(|contents| asked.map(|()| contents))
}

/// Reads one answer: `id type size`, the content, a line end.
async fn content(wanted: &Wanted, output: &mut BufReader<ChildStdout>) -> Result<Vec<u8>, GitError> {
    let mut head = String::new();
    output.take(256).read_line(&mut head).await?;
    if head.trim_end() != format!("{} blob {}", wanted.id, wanted.bytes) {
        return Err(GitError::Unexpected(format!("`{}` for the content of `{}`", head.trim_end(), wanted.path)));
    }
    let mut bytes = vec![0; wanted.bytes];
    output.read_exact(&mut bytes).await?;
    output.read_u8().await?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(listing: &[u8]) -> Result<Vec<String>, String> {
        manifests(listing)
            .map(|wanted| wanted.into_iter().map(|wanted| wanted.path).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn manifests_are_picked_in_the_order_of_paths() {
        let listing = [
            "100644 blob aa      12\ta-b.yaml",
            "100755 blob bb       3\ta/z.yml",
            "100644 blob cc       3\tREADME",
            "120000 blob dd       3\tlink",
            "160000 commit ee       -\tmodule",
            "100644 blob ff       0\t.ci/x.yaml",
            "",
        ]
        .join("\0");
        assert_eq!(picked(listing.as_bytes()).unwrap(), ["a-b.yaml", "a/z.yml"]);
    }

    #[test]
    fn links_and_large_files_are_refused() {
        assert!(picked(b"120000 blob dd       3\ta.yaml\0").unwrap_err().contains("`a.yaml` is a link"));
        assert!(picked(b"100644 blob dd 9999999999\ta.yaml\0").unwrap_err().contains("has 9999999999 bytes"));
        assert!(picked(b"100644 blob dd       3\ta\xff.yaml\0").unwrap_err().contains("not UTF-8"));
    }
}
