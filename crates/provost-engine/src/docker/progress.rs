//! How far a pull is, in one sentence.

use std::collections::BTreeMap;

use bollard::models::CreateImageInfo;

/// A pull that goes on.
pub(super) struct PullProgress {
    image: String,
    layers: BTreeMap<String, Layer>,
}

#[derive(Default)]
struct Layer {
    bytes: i64,
    done: bool,
}

impl PullProgress {
    /// A pull of `image` of which nothing is known yet.
    pub(super) fn new(image: &str) -> Self {
        Self { image: image.to_owned(), layers: BTreeMap::new() }
    }

    /// Takes one message of the engine. Those without a layer say nothing about how far it is.
    pub(super) fn take(&mut self, message: &CreateImageInfo) {
        let (Some(id), Some(status)) = (&message.id, &message.status) else {
            return;
        };
        if status.starts_with("Pulling from") {
            return;
        }
        let layer = self.layers.entry(id.clone()).or_default();
        layer.done |= status == "Pull complete" || status == "Already exists";
        if status == "Downloading"
            && let Some(bytes) = message.progress_detail.as_ref().and_then(|detail| detail.current)
        {
            layer.bytes = layer.bytes.max(bytes);
        }
    }

    /// `pulling alpine:3: 1 of 4 layers, 12.3 MB`.
    pub(super) fn sentence(&self) -> String {
        if self.layers.is_empty() {
            return format!("pulling {}", self.image);
        }
        let done = self.layers.values().filter(|layer| layer.done).count();
        let bytes: i64 = self.layers.values().map(|layer| layer.bytes).sum();
        let (whole, tenth) = (bytes / 1_000_000, bytes / 100_000 % 10);
        format!("pulling {}: {done} of {} layers, {whole}.{tenth} MB", self.image, self.layers.len())
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::ProgressDetail;

    use super::*;

    #[test]
    fn layers_are_counted() {
        let mut progress = PullProgress::new("a:1");
        assert_eq!(progress.sentence(), "pulling a:1");
        let mut take = |id: &str, status: &str, current| {
            progress.take(&CreateImageInfo {
                id: Some(id.to_owned()),
                status: Some(status.to_owned()),
                progress_detail: Some(ProgressDetail { current, total: None }),
                ..CreateImageInfo::default()
            });
        };
        take("1", "Pulling from library/a", None);
        take("x", "Pulling fs layer", None);
        take("y", "Already exists", None);
        take("x", "Downloading", Some(12_340_000));
        take("x", "Extracting", Some(99_000_000));
        assert_eq!(progress.sentence(), "pulling a:1: 1 of 2 layers, 12.3 MB");
    }
}
