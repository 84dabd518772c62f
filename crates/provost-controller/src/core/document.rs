//! Documents: written, patched and removed; checked here, against the state.

use json_patch::{Patch, PatchErrorKind};
use provost_model::{DOCUMENT_BYTES_MAX, DOCUMENTS_MAX, Document, Fact};
use serde_json::Value;

use super::Core;
use crate::{Done, Refusal, RefusalKind};

type Ordered = Result<(Vec<Fact>, Done), Refusal>;

impl Core {
    pub(super) fn write_document(&self, name: String, value: Value, by: String) -> Ordered {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if name.is_empty() || name.len() > 128 || !name.chars().all(is_name) {
            let message = format!("{name:?} is not a document's name: letters, digits, `.`, `-` and `_`, at most 128");
            return Err(Refusal::new(RefusalKind::Invalid, message));
        }
        let bytes = value.to_string().len();
        if bytes > DOCUMENT_BYTES_MAX {
            let message = format!("{name} would have {bytes} bytes; a document has at most {DOCUMENT_BYTES_MAX}");
            let refusal = Refusal::new(RefusalKind::Invalid, message);
            return Err(refusal.hint("keep large things in a volume, and in the document where they are"));
        }
        if self.state.documents.len() >= DOCUMENTS_MAX && !self.state.documents.contains_key(&name) {
            let refusal = Refusal::new(RefusalKind::Conflict, format!("there are {DOCUMENTS_MAX} documents already"));
            return Err(refusal.hint("remove some: DELETE /v1/documents/NAME"));
        }
        if self.state.documents.get(&name).is_some_and(|document| document.value == value) {
            return Ok((Vec::new(), Done::Noted));
        }
        Ok((vec![Fact::DocumentWritten { name, value, by }], Done::Noted))
    }

    /// Applies the whole of `patch`, or nothing of it (RFC 6902).
    pub(super) fn patch_document(&self, name: String, patch: &Patch, by: String) -> Ordered {
        let mut value = self.document(&name)?.value.clone();
        json_patch::patch(&mut value, patch).map_err(|error| {
            let what = match error.kind {
                PatchErrorKind::TestFailed => "its `test` does not hold",
                PatchErrorKind::InvalidPointer | PatchErrorKind::InvalidFromPointer => "there is nothing at its path",
                _ => "it cannot be applied",
            };
            let message = format!("{name} is as it was: operation {} ({}): {what}", error.operation, error.path);
            Refusal::new(RefusalKind::Invalid, message)
        })?;
        self.write_document(name, value, by)
    }

    pub(super) fn remove_document(&self, name: String, by: String) -> Ordered {
        self.document(&name)?;
        Ok((vec![Fact::DocumentRemoved { name, by }], Done::Noted))
    }

    fn document(&self, name: &str) -> Result<&Document, Refusal> {
        self.state
            .documents
            .get(name)
            .ok_or_else(|| Refusal::new(RefusalKind::NotFound, format!("there is no document {name}")))
    }
}
