//! Texts of a certain form. They are plain strings to the reader; the form is in the schema, and so in every editor.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

macro_rules! text_forms {
    ($($(#[$doc:meta])* $name:ident $form:literal $pattern:literal $max:literal;)*) => {
        $(
            $(#[$doc])*
            pub(crate) struct $name;

            impl JsonSchema for $name {
                fn inline_schema() -> bool {
                    true
                }

                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!({ "type": "string", "pattern": $pattern, "maxLength": $max, "x-form": $form })
                }
            }
        )*
    };
}

text_forms! {
    /// The name of a manifest.
    NameText "name" "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" 52;
    /// A registry reference, or the name of an image.
    ImageText "image" "^([a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?(:[0-9]{1,5})?/)?[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*(/[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$" 400;
    /// An absolute path in a container, or of the server.
    PathText "path" "^/" 1000;
    /// `uid`, `uid:gid`, or names that the image knows.
    UserText "user" "^[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$" 100;
    /// A network.
    NetworkText "network" "^[A-Za-z0-9][A-Za-z0-9_.-]*$" 100;
    /// A Linux capability.
    CapabilityText "capability" "^[A-Z][A-Z_]*$" 40;
    /// The name of an event.
    EventText "event" "^[A-Za-z][A-Za-z0-9_-]*(\\.[A-Za-z0-9_-]+)*$" 100;
    /// Names, with `*` for any characters.
    PatternText "pattern" "^[A-Za-z0-9*][A-Za-z0-9_.*-]*$" 100;
    /// An `http` or `https` address.
    UrlText "url" "^https?://[^\\s/@]+(/\\S*)?$" 2000;
    /// An address that git understands, in a protocol that keeps others out.
    AddressText "git address" "^(https://|ssh://|file:///|([A-Za-z0-9_][A-Za-z0-9._-]*@)?[A-Za-z0-9_][A-Za-z0-9._-]*:[^-:/\\s])[^\\s]*$" 2000;
    /// The name of a branch.
    BranchText "branch" "^[^-\\s][^\\s]*$" 200;
    /// A folder in a repository.
    SubFolderText "folder" "^[^/\\s]" 1000;
    /// A file below a folder that the server decides on.
    FileText "file" "^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$" 200;
    /// The name of a variable.
    VariableText "variable" "^[A-Za-z_][A-Za-z0-9_]*$" 200;
    /// An age file in ASCII armour.
    AgeText "age" "^-----BEGIN AGE ENCRYPTED FILE-----\\n" 200000;
    /// A port of the server and one of a container.
    PortText "port" "^((\\[[0-9a-fA-F:]+\\]|[0-9.]+):)?[1-9][0-9]{0,4}:[1-9][0-9]{0,4}(/(tcp|udp))?$" 80;
    /// Ports of the server.
    PortRuleText "port rule" "^(\\*|\\[[0-9a-fA-F:]+\\]|[0-9.]+):(\\*|[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?)$" 80;
    /// The name of a lock or of a key of an event's data.
    WordText "word" "^[A-Za-z0-9_][A-Za-z0-9_.-]*$" 100;
}
