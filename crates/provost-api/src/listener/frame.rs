//! JSON objects on a stream, each ended by a NUL byte, a newline or the end of the stream.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::task::{Desk, Said};
use super::{OBJECT_MAX, PATIENCE};

/// How long a client may rest between two objects.
const REST_MAX: Duration = Duration::from_secs(60);

/// How much of a refused client's further bytes is taken in.
const LEFT_OVER_MAX: u64 = 16 << 20;

/// Answers one object after the other, each by one that ends like it. After one that is refused the stream is closed.
pub(super) async fn talk(mut stream: TcpStream, peer: SocketAddr, desk: &Desk) -> io::Result<()> {
    let (read, mut write) = stream.split();
    let mut read = BufReader::new(read);
    loop {
        // Between two objects a client may rest; when it has rested for long, it is let go without a word.
        match tokio::time::timeout(REST_MAX, read.fill_buf()).await {
            Ok(Ok(begun)) if !begun.is_empty() => {}
            Ok(Err(error)) => return Err(error),
            Ok(Ok(_)) | Err(_) => return Ok(()),
        }
        let (said, end) = match tokio::time::timeout(PATIENCE, next(&mut read)).await {
            Ok(frame) => match frame? {
                Frame::Whole { bytes, end } => (desk.answer(&bytes, peer).await, end),
                Frame::TooLarge => (Said::bad_request(format!("the object is larger than {OBJECT_MAX} bytes")), b'\n'),
                Frame::End => return Ok(()),
            },
            Err(_) => {
                let why = format!("no whole object came within {} s", PATIENCE.as_secs());
                (Said::bad_request(why), b'\n')
            }
        };
        let mut answer = said.body.to_string().into_bytes();
        answer.push(end);
        write.write_all(&answer).await?;
        if !said.is_yes() {
            write.shutdown().await?;
            return let_go(read).await;
        }
    }
}

/// Takes in what the client is still sending, within bounds, so that it comes to reading why it was refused.
async fn let_go(read: impl AsyncRead + Unpin) -> io::Result<()> {
    let mut rest = read.take(LEFT_OVER_MAX);
    // One that goes on for longer is cut off.
    let _ = tokio::time::timeout(PATIENCE, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    Ok(())
}

/// What comes next on a stream.
#[derive(Debug, PartialEq)]
enum Frame {
    /// An object, and the byte that an answer ends with.
    Whole { bytes: Vec<u8>, end: u8 },
    /// More than an object may have.
    TooLarge,
    /// Nothing more.
    End,
}

/// The next frame that is not empty.
async fn next(read: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Frame> {
    let mut bytes = Vec::new();
    loop {
        let piece = read.fill_buf().await?;
        let is_end = |byte: &u8| matches!(byte, 0 | b'\n');
        let Some(&first) = piece.first() else {
            let whole = Frame::Whole { bytes: std::mem::take(&mut bytes), end: b'\n' };
            return Ok(if is_empty(&whole) { Frame::End } else { whole });
        };
        let length = piece.iter().position(is_end).unwrap_or(piece.len());
        let end = piece.get(length).copied();
        debug_assert!(length > 0 || is_end(&first));
        bytes.extend_from_slice(&piece[..length]);
        read.consume(length + usize::from(end.is_some()));
        if bytes.len() > OBJECT_MAX {
            return Ok(Frame::TooLarge);
        }
        if let Some(end) = end {
            let whole = Frame::Whole { bytes: std::mem::take(&mut bytes), end };
            if !is_empty(&whole) {
                return Ok(whole);
            }
        }
    }
}

fn is_empty(frame: &Frame) -> bool {
    matches!(frame, Frame::Whole { bytes, .. } if bytes.trim_ascii().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn frames(stream: &[u8]) -> Vec<Frame> {
        let mut read = BufReader::with_capacity(7, stream);
        let mut frames = Vec::new();
        loop {
            match next(&mut read).await.unwrap() {
                Frame::End => return frames,
                Frame::TooLarge => return vec![Frame::TooLarge],
                frame => frames.push(frame),
            }
        }
    }

    fn whole(bytes: &[u8], end: u8) -> Frame {
        Frame::Whole { bytes: bytes.to_vec(), end }
    }

    #[tokio::test]
    async fn an_object_ends_with_a_nul_a_newline_or_the_stream() {
        let all = frames(b"{\"a\": 1}\0{\"b\": 2}\n\n\0  \n{\"c\": 3}").await;
        assert_eq!(all, [whole(b"{\"a\": 1}", 0), whole(b"{\"b\": 2}", b'\n'), whole(b"{\"c\": 3}", b'\n')]);
        assert_eq!(frames(b"").await, []);
    }

    #[tokio::test]
    async fn an_object_without_end_is_not_gathered_for_ever() {
        assert_eq!(frames(&vec![b'x'; OBJECT_MAX + 20]).await, [Frame::TooLarge]);
    }
}
