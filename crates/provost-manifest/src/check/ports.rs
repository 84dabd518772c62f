//! No two services want one port of the server.

use provost_model::PortMapping;

use crate::read::{Document, Spec};
use crate::report::{Code, Diagnostic};

pub(crate) fn check(documents: &[Document], out: &mut Vec<Diagnostic>) {
    let mut taken: Vec<(PortMapping, &Document, usize)> = Vec::new();
    for document in documents {
        let Spec::Service(spec) = &document.spec else {
            continue;
        };
        for (index, text) in spec.ports.iter().enumerate() {
            // One that cannot be read is told where the service is resolved.
            let Ok(port) = text.parse::<PortMapping>() else { continue };
            let spot = |document: &Document, index: usize| document.spot_of(&format!("spec/ports/{index}"));
            if let Some((first, other, at)) = taken.iter().find(|(first, ..)| first.clashes(&port)) {
                let message = format!("`{port}` and `{first}` of {} want one port of the server", other.id());
                let error = Diagnostic::new(Code::PORT_TAKEN, &spot(document, index), message);
                out.push(error.related(&spot(other, *at), "first here").hint("give one of them another port"));
            }
            taken.push((port, document, index));
        }
    }
}
