//! What the reader accepts at most, and the ways it says no.

/// Bounds on one document. Everything beyond them is refused before it costs anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the document as received.
    pub max_bytes: usize,
    /// Elements inside each other, the root included.
    pub max_depth: usize,
    /// Attributes of one tag, namespace declarations included.
    pub max_attributes_per_element: usize,
    /// Elements in all.
    pub max_elements: usize,
    /// Namespace declarations in scope at once.
    pub max_namespaces: usize,
}

impl Default for Limits {
    /// Room for 12 MiB of attachments: 16 MiB of base64, its line breaks, and the rest of the message.
    fn default() -> Self {
        Self {
            max_bytes: 32 * 1024 * 1024,
            max_depth: 64,
            max_attributes_per_element: 64,
            max_elements: 200_000,
            max_namespaces: 64,
        }
    }
}

/// Why a document was refused. Free of content: only limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// More bytes than allowed.
    #[error("the document is larger than {limit} bytes")]
    TooLarge {
        /// [`Limits::max_bytes`].
        limit: usize,
    },
    /// Nested deeper than allowed.
    #[error("the document nests more than {limit} elements")]
    TooDeep {
        /// [`Limits::max_depth`].
        limit: usize,
    },
    /// One tag has more attributes than allowed.
    #[error("a tag has more than {limit} attributes")]
    TooManyAttributes {
        /// [`Limits::max_attributes_per_element`].
        limit: usize,
    },
    /// More elements than allowed.
    #[error("the document has more than {limit} elements")]
    TooManyElements {
        /// [`Limits::max_elements`].
        limit: usize,
    },
    /// More namespaces in scope than allowed.
    #[error("more than {limit} namespaces are declared at once")]
    TooManyNamespaces {
        /// [`Limits::max_namespaces`].
        limit: usize,
    },
    /// No element at all.
    #[error("the document has no element")]
    Empty,
    /// An encoding other than UTF-8, ISO-8859-1 and windows-1252, or a declaration that contradicts the byte order mark.
    #[error("the encoding is neither UTF-8 nor ISO-8859-1")]
    Encoding,
    /// Bytes that are not UTF-8 in a document that is not declared as anything else.
    #[error("the document is not valid UTF-8")]
    Utf8,
    /// XML 1.1 or an unknown version.
    #[error("the XML version is not 1.0")]
    Version,
    /// A character that XML 1.0 does not know, as such or as a reference.
    #[error("the document has a character that is not allowed in XML 1.0")]
    IllegalCharacter,
    /// A document type declaration.
    #[error("the document has a document type declaration")]
    Doctype,
    /// A reference to anything but the five predefined entities or a character.
    #[error("the document refers to an entity that is not predefined")]
    Entity,
    /// Broken markup.
    #[error("the document is not well-formed")]
    NotWellFormed,
    /// A prefix without a namespace, or a reserved one bound anew.
    #[error("a namespace prefix is not bound")]
    UnboundPrefix,
    /// The same attribute twice in a tag.
    #[error("a tag has the same attribute twice")]
    DuplicateAttribute,
    /// A second element beside the root.
    #[error("the document has a second root element")]
    SecondRoot,
    /// Something other than white space, comments and instructions before or after the root.
    #[error("there is text outside the root element")]
    TextOutsideRoot,
}

impl XmlError {
    /// Stable, kebab-case.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "xml-too-large",
            Self::TooDeep { .. } => "xml-too-deep",
            Self::TooManyAttributes { .. } => "xml-too-many-attributes",
            Self::TooManyElements { .. } => "xml-too-many-elements",
            Self::TooManyNamespaces { .. } => "xml-too-many-namespaces",
            Self::Empty => "xml-empty",
            Self::Encoding => "xml-encoding",
            Self::Utf8 => "xml-utf8",
            Self::Version => "xml-version",
            Self::IllegalCharacter => "xml-illegal-character",
            Self::Doctype => "xml-doctype",
            Self::Entity => "xml-entity",
            Self::NotWellFormed => "xml-not-well-formed",
            Self::UnboundPrefix => "xml-unbound-prefix",
            Self::DuplicateAttribute => "xml-duplicate-attribute",
            Self::SecondRoot => "xml-second-root",
            Self::TextOutsideRoot => "xml-text-outside-root",
        }
    }
}
