//! Blobs: downloads that go on where they broke.

use std::io::{self, Seek as _};
use std::time::Duration;

use futures_util::StreamExt as _;
use oci_client::client::BlobResponse;
use oci_client::errors::OciDistributionError;
use oci_client::manifest::OciDescriptor;
use provost_image::Digest;
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::time::sleep;

use super::Registry;
use super::progress::Progress;
use crate::StoreError;
use crate::disk::Partial;
use crate::manifest::Descriptor;
use crate::stream::Meter;

/// How long a connection may take to come about.
pub(super) const CONNECT: Duration = Duration::from_secs(30);
/// How long a registry may say nothing.
pub(super) const SILENCE: Duration = Duration::from_secs(60);
/// How often a download is begun again without a byte in between.
const TRIES: u32 = 5;
/// How long the first pause between two tries is; the next ones are longer.
const PAUSE: Duration = Duration::from_millis(500);

/// How a part of a download ended.
enum Broke {
    /// It may go on later.
    Later(String),
    /// It makes no sense to go on.
    ForGood(StoreError),
}

impl Registry<'_> {
    /// Downloads a blob. What is there of it already is not fetched again.
    pub(super) async fn download(
        &self,
        blob: Descriptor,
        progress: &Progress<'_>,
    ) -> Result<(Digest, Partial), StoreError> {
        let path = self.store.partials().join(blob.digest.hex());
        let mut partial = self.blocking(move || Partial::open(path)).await?;
        let mut resumed = length(&partial)? > 0;
        progress.add(length(&partial)?.min(blob.size), 0);
        loop {
            self.fill(&blob, &mut partial, progress).await?;
            let (found, back) = self.blocking(move || digest(partial)).await?;
            partial = back;
            if found == blob.digest {
                // Not held until the image is whole: two pulls would wait for one another.
                partial.release()?;
                progress.done();
                return Ok((found, partial));
            }
            empty(&partial, progress)?;
            // What an earlier pull left may have been the mistake.
            if !std::mem::take(&mut resumed) {
                std::fs::remove_file(&partial.path).map_err(StoreError::disk("remove", &partial.path))?;
                return Err(StoreError::Digest { what: format!("blob {}", blob.digest), expected: blob.digest, found });
            }
        }
    }

    /// Goes on until the file has its size, over as many connections as that takes.
    async fn fill(&self, blob: &Descriptor, partial: &mut Partial, progress: &Progress<'_>) -> Result<(), StoreError> {
        let mut tries = 0;
        loop {
            let before = length(partial)?;
            if before > blob.size {
                empty(partial, progress)?;
            } else if before == blob.size {
                return Ok(());
            }
            let problem = match self.part(blob, partial, progress).await {
                Ok(()) => "it ended too early".to_owned(),
                Err(Broke::Later(problem)) => problem,
                Err(Broke::ForGood(error)) => return Err(error),
            };
            let now = length(partial)?;
            if now == blob.size {
                return Ok(());
            }
            tries = if now > before { 1 } else { tries + 1 };
            if tries >= TRIES {
                let problem = format!("blob {} broke off at {now} of {} bytes: {problem}", blob.digest, blob.size);
                return Err(StoreError::registry(problem, true));
            }
            sleep(PAUSE * tries).await;
        }
    }

    /// One connection: what comes is appended, or, where the registry begins at the beginning, written anew.
    async fn part(&self, blob: &Descriptor, partial: &mut Partial, progress: &Progress<'_>) -> Result<(), Broke> {
        let disk = |error: io::Error| Broke::ForGood(StoreError::disk("write", &partial.path)(error));
        let mut at = length(partial).map_err(Broke::ForGood)?;
        let size = i64::try_from(blob.size).unwrap_or(i64::MAX);
        // Without the addresses that a manifest may name for a blob: only its registry is asked.
        let wanted = OciDescriptor { digest: blob.digest.to_string(), size, ..OciDescriptor::default() };
        let answer = self.client.pull_blob_stream_partial(&self.place, &wanted, at, None).await;
        let answer = answer.map_err(|error| self.broke(&error))?;
        let mut file = tokio::fs::File::from_std(partial.file.try_clone().map_err(disk)?);
        let mut stream = match answer {
            BlobResponse::Partial(stream) => stream.stream,
            BlobResponse::Full(stream) => {
                empty(partial, progress).map_err(Broke::ForGood)?;
                at = 0;
                stream.stream
            }
        };
        file.seek(io::SeekFrom::Start(at)).await.map_err(disk)?;
        let mut broke = Ok(());
        while let Some(chunk) = stream.next().await {
            let Ok(chunk) = chunk.map_err(|error| broke = Err(Broke::Later(error.to_string()))) else { break };
            at += chunk.len() as u64;
            if at > blob.size {
                let problem = format!("blob {} has more than its {} bytes", blob.digest, blob.size);
                broke = Err(Broke::ForGood(StoreError::registry(problem, false)));
                break;
            }
            file.write_all(&chunk).await.map_err(disk)?;
            progress.add(chunk.len() as u64, 0);
        }
        // Whatever happened: what came is there for the next time.
        file.flush().await.map_err(disk)?;
        broke
    }

    fn broke(&self, error: &OciDistributionError) -> Broke {
        match self.failed(error) {
            StoreError::Registry { problem, may_pass: true, .. } => Broke::Later(problem),
            other => Broke::ForGood(other),
        }
    }

    /// What a registry's refusal means, and what may mend it.
    pub(super) fn failed(&self, error: &OciDistributionError) -> StoreError {
        use OciDistributionError as Error;
        let host = self.place.registry();
        let text = error.to_string();
        match error {
            Error::AuthenticationFailure(_) | Error::UnauthorizedError { .. } => {
                StoreError::registry(format!("{host} does not allow it; docker login {host}"), false)
            }
            Error::ImageManifestNotFoundError(_) => {
                StoreError::registry(format!("{host} does not have it; check its name and tag"), false)
            }
            Error::RegistryError { envelope, .. } if format!("{envelope}").contains("unknown") => {
                StoreError::registry(format!("{host} does not have it; check its name and tag ({text})"), false)
            }
            Error::RequestError(_) => {
                StoreError::registry(format!("{host} cannot be reached: {}", with_causes(error)), true)
            }
            Error::ServerError { code, .. } => StoreError::registry(text, *code >= 500 || *code == 429),
            Error::IoError(_) => StoreError::registry(text, true),
            _ => StoreError::registry(text, false),
        }
    }
}

/// An error with what led to it, of which the first sentence often says nothing.
fn with_causes(error: &OciDistributionError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

fn length(partial: &Partial) -> Result<u64, StoreError> {
    let meta = partial.file.metadata().map_err(StoreError::disk("read", &partial.path))?;
    Ok(meta.len())
}

/// Begins anew.
fn empty(partial: &Partial, progress: &Progress<'_>) -> Result<(), StoreError> {
    progress.add(0, length(partial)?);
    partial.file.set_len(0).map_err(StoreError::disk("write", &partial.path))
}

/// The digest of what was downloaded.
fn digest(mut partial: Partial) -> Result<(Digest, Partial), StoreError> {
    let mut read = || {
        partial.file.rewind()?;
        let mut meter = Meter::up_to(&partial.file, u64::MAX);
        io::copy(&mut meter, &mut io::sink())?;
        Ok(meter.finish().0)
    };
    let found = read().map_err(StoreError::disk("read", &partial.path))?;
    Ok((found, partial))
}
