//! Reading tar files entry by entry, with bounded memory.
//!
//! The `tar` crate knows the headers' fields. How entries follow one another is read here, for what layers need and its
//! reader does not do: attributes with any bytes in them (a file's capabilities are binary), and a bound for the headers
//! that precede an entry, which are held in memory.

mod pax;

use std::collections::BTreeMap;
use std::io::{self, Read, Seek};

use tar::{EntryType, Header};

use crate::Refusal;

const BLOCK: u64 = 512;

/// How many bytes the headers of one entry may have, apart from its own.
const EXTENSIONS_MAX: u64 = 1 << 20;

/// A tar file that is read from its beginning to its end.
pub(crate) struct Tarball<R> {
    stream: R,
    /// What is left of the entry's content, and of the block that it ends in.
    content: u64,
    padding: u64,
}

/// An entry of a tar file.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub path: Vec<u8>,
    pub link: Vec<u8>,
    pub kind: EntryType,
    pub size: u64,
    pub mode: u32,
    pub owner: (u32, u32),
    /// Seconds and nanoseconds since the epoch.
    pub mtime: (i64, u32),
    pub attributes: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// What headers before an entry say of it.
#[derive(Default)]
struct Extensions {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    records: BTreeMap<Vec<u8>, Vec<u8>>,
    bytes: u64,
}

impl<R: Read> Tarball<R> {
    pub fn new(stream: R) -> Self {
        Self { stream, content: 0, padding: 0 }
    }

    /// The next entry; its content is what is read from here until the one after it. Nothing at the end.
    pub fn next(&mut self) -> Result<Option<Member>, Refusal> {
        let mut extensions = Extensions::default();
        loop {
            io::copy(&mut self.stream.by_ref().take(self.content + self.padding), &mut io::sink())?;
            (self.content, self.padding) = (0, 0);
            let Some(header) = self.header()? else {
                return if extensions.bytes == 0 {
                    Ok(None)
                } else {
                    Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())
                };
            };
            let size = field(&header.as_old().size, header.entry_size())?;
            match header.entry_type() {
                EntryType::GNULongName => {
                    extensions.path = Some(until_nul(self.extension(size, &mut extensions.bytes)?))
                }
                EntryType::GNULongLink => {
                    extensions.link = Some(until_nul(self.extension(size, &mut extensions.bytes)?))
                }
                EntryType::XHeader => {
                    let records = self.extension(size, &mut extensions.bytes)?;
                    extensions.records.extend(pax::records(&records)?);
                }
                // What git says of a whole archive; nothing of it is about files.
                EntryType::XGlobalHeader => self.open(size),
                _ => {
                    let member = Member::new(&header, extensions)?;
                    self.open(member.size);
                    return Ok(Some(member));
                }
            }
        }
    }

    /// What follows the last entry.
    pub fn into_rest(self) -> R {
        self.stream
    }

    fn open(&mut self, size: u64) {
        self.content = size;
        self.padding = size.wrapping_neg() % BLOCK;
    }

    /// The next header. Nothing at the end, which is an empty block, or, as some tools do it, nothing.
    fn header(&mut self) -> Result<Option<Header>, Refusal> {
        let mut header = Header::new_old();
        let mut block = Vec::with_capacity(512);
        self.stream.by_ref().take(BLOCK).read_to_end(&mut block)?;
        if block.is_empty() || block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        if block.len() < 512 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        header.as_mut_bytes().copy_from_slice(&block);
        let sum: u32 = block[..148].iter().chain(&block[156..]).map(|byte| u32::from(*byte)).sum::<u32>() + 8 * 32;
        if header.cksum().ok() != Some(sum) {
            return Err(Refusal::Header("its checksum is wrong".to_owned()));
        }
        Ok(Some(header))
    }

    fn extension(&mut self, size: u64, bytes: &mut u64) -> Result<Vec<u8>, Refusal> {
        *bytes = bytes.saturating_add(size.max(1));
        if *bytes > EXTENSIONS_MAX {
            return Err(Refusal::Header(format!("it has more than {EXTENSIONS_MAX} bytes")));
        }
        self.open(size);
        let mut content = Vec::new();
        self.read_to_end(&mut content)?;
        Ok(content)
    }
}

impl<R: Read + Seek> Tarball<R> {
    /// Where the content of the current entry begins; it is passed over without reading it.
    pub fn pass(&mut self) -> io::Result<u64> {
        let at = self.stream.stream_position()?;
        let length = i64::try_from(self.content.saturating_add(self.padding)).map_err(io::Error::other)?;
        self.stream.seek_relative(length)?;
        (self.content, self.padding) = (0, 0);
        Ok(at)
    }
}

impl<R: Read> Read for Tarball<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.by_ref().take(self.content).read(buffer)?;
        if read == 0 && self.content > 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.content -= read as u64;
        Ok(read)
    }
}

impl Member {
    fn new(header: &Header, extensions: Extensions) -> Result<Self, Refusal> {
        let Extensions { path, link, mut records, .. } = extensions;
        let number = |key: &str, raw: &[u8], parsed: io::Result<u64>| match records.get(key.as_bytes()) {
            Some(value) => pax::number(value).ok_or_else(|| Refusal::Header(format!("`{key}` is no number"))),
            None => field(raw, parsed),
        };
        let fields = header.as_old();
        let id = |id: u64| {
            // The last number means nobody: it says to the system that an owner stays.
            let id32 = u32::try_from(id).ok().filter(|id| *id != u32::MAX);
            id32.ok_or_else(|| Refusal::Header(format!("there is no user or group {id}")))
        };
        let size = number("size", &fields.size, header.entry_size())?;
        let owner = (id(number("uid", &fields.uid, header.uid())?)?, id(number("gid", &fields.gid, header.gid())?)?);
        let mode = field(&fields.mode, header.mode().map(u64::from))? as u32 & 0o7777;
        let mtime = match records.get(b"mtime".as_slice()) {
            Some(value) => pax::time(value).ok_or_else(|| Refusal::Header("`mtime` is no time".to_owned()))?,
            // A time before the epoch, which the field cannot say in digits, is the epoch.
            None => (header.mtime().ok().and_then(|mtime| i64::try_from(mtime).ok()).unwrap_or_default(), 0),
        };
        let path = records.remove(b"path".as_slice()).or(path).unwrap_or_else(|| header.path_bytes().into_owned());
        let link = records.remove(b"linkpath".as_slice()).or(link);
        let link = link.or_else(|| header.link_name_bytes().map(std::borrow::Cow::into_owned)).unwrap_or_default();
        let is_sparse = records.keys().any(|key| key.starts_with(b"GNU.sparse."));
        let kind = if is_sparse { EntryType::GNUSparse } else { kind(header, &path) };
        let attribute = |(key, value): (Vec<u8>, Vec<u8>)| Some((key.strip_prefix(b"SCHILY.xattr.")?.to_vec(), value));
        let attributes = records.into_iter().filter_map(attribute).collect();
        let size =
            if kind.is_file() || kind == EntryType::Continuous || kind == EntryType::GNUSparse { size } else { 0 };
        Ok(Self { path, link, kind, size, mode, owner, mtime, attributes })
    }
}

/// Tar files from before there were types of entries mark folders with a slash.
fn kind(header: &Header, path: &[u8]) -> EntryType {
    let kind = header.entry_type();
    if kind.is_file() && path.ends_with(b"/") { EntryType::Directory } else { kind }
}

/// A number of a header. A field may be left empty.
fn field(raw: &[u8], parsed: io::Result<u64>) -> Result<u64, Refusal> {
    if raw.iter().all(|byte| matches!(byte, 0 | b' ')) { Ok(0) } else { parsed.map_err(damaged) }
}

fn until_nul(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()));
    bytes
}

fn damaged(error: io::Error) -> Refusal {
    Refusal::Header(error.to_string())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests may panic")]

    use super::*;

    fn header(kind: EntryType, size: u64) -> Header {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_mode(0o644);
        header.set_uid(1);
        header.set_gid(2);
        header.set_mtime(3);
        header.set_cksum();
        header
    }

    fn tar(entries: &[(EntryType, &str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (kind, path, content) in entries {
            builder.append_data(&mut header(*kind, content.len() as u64), path, *content).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn members(tar: &[u8]) -> Result<Vec<(Member, Vec<u8>)>, Refusal> {
        let (mut tarball, mut members) = (Tarball::new(tar), Vec::new());
        while let Some(member) = tarball.next()? {
            let mut content = Vec::new();
            tarball.read_to_end(&mut content)?;
            members.push((member, content));
        }
        Ok(members)
    }

    fn record(key: &str, value: &[u8]) -> Vec<u8> {
        let rest = [b" ", key.as_bytes(), b"=", value, b"\n"].concat();
        let length = (1..9).find(|digits| (rest.len() + digits).to_string().len() == *digits).unwrap() + rest.len();
        [length.to_string().as_bytes(), &rest].concat()
    }

    #[test]
    fn pax_records_may_hold_any_bytes() {
        let records = [
            record("SCHILY.xattr.security.capability", b"\x01\n\0\x02=\n\n"),
            record("mtime", b"1700000000.5"),
            record("uid", b"3000000000"),
            record("path", b"a\nlong=name"),
        ];
        let tar = tar(&[(EntryType::XHeader, "x", &records.concat()), (EntryType::Regular, "short", b"content")]);
        let (member, content) = members(&tar).unwrap().remove(0);
        assert_eq!((member.path.as_slice(), content.as_slice()), (b"a\nlong=name".as_slice(), b"content".as_slice()));
        assert_eq!((member.mtime, member.owner), ((1_700_000_000, 500_000_000), (3_000_000_000, 2)));
        assert_eq!(member.attributes[b"security.capability".as_slice()], b"\x01\n\0\x02=\n\n");
    }

    #[test]
    fn long_names_are_read() {
        let long = "folder/".repeat(40) + "file";
        let mut builder = tar::Builder::new(Vec::new());
        builder.append_data(&mut Header::new_gnu(), &long, io::empty()).unwrap();
        builder.append_link(&mut header(EntryType::Symlink, 0), "link", &long).unwrap();
        let members = members(&builder.into_inner().unwrap()).unwrap();
        assert_eq!(members[0].0.path, long.as_bytes());
        assert_eq!(members[1].0.link, long.as_bytes());
    }

    /// Whoever believed the field would take content for headers.
    #[test]
    fn the_size_is_that_of_the_pax_record() {
        let mut bytes = tar(&[(EntryType::XHeader, "x", &record("size", b"513"))]);
        bytes.truncate(1024);
        bytes.extend(header(EntryType::Regular, 1).as_bytes());
        bytes.extend([1; 513]);
        bytes.extend([0; 511]);
        bytes.extend(tar(&[(EntryType::Regular, "next", b"")]));
        let members = members(&bytes).unwrap();
        assert_eq!(members[0].1.len(), 513);
        assert_eq!(members[1].0.path, b"next");
    }

    #[test]
    fn headers_are_bounded() {
        let large = vec![b'x'; (1 << 20) + 1];
        for kind in [EntryType::GNULongName, EntryType::GNULongLink, EntryType::XHeader] {
            let tar = tar(&[(kind, "x", &large), (EntryType::Regular, "y", b"")]);
            assert!(matches!(members(&tar), Err(Refusal::Header(_))), "{kind:?}");
        }
    }

    #[test]
    fn damage_is_seen() {
        let whole = tar(&[(EntryType::Regular, "a", b"content")]);
        assert_eq!(members(&whole).unwrap().len(), 1);
        assert_eq!(members(&whole[..1024]).unwrap().len(), 1, "the empty blocks may be missing");
        for cut in [100, 515] {
            assert!(matches!(members(&whole[..cut]), Err(Refusal::Stream(_))), "{cut}");
        }
        let mut changed = whole.clone();
        changed[0] = b'b';
        assert!(matches!(members(&changed), Err(Refusal::Header(_))));
        for records in [&b"9 a=b\n"[..], b"a=b\n", b"99999999999999999999 a=b\n", b"6 a=bc", b"0 a=b\n"] {
            let tar = tar(&[(EntryType::XHeader, "x", records), (EntryType::Regular, "y", b"")]);
            assert!(matches!(members(&tar), Err(Refusal::Header(_))), "{records:?}");
        }
        let alone = &tar(&[(EntryType::XHeader, "x", &record("path", b"y"))]);
        assert!(members(alone).is_err(), "what describes an entry precedes one");
    }
}
