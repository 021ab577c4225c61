//! Collaboration protocol profiles (CPP) and agreements (CPA) as their files say it: ebXML CPPA 2.0 in both generations that
//! HelseNorge uses (nhn-messaging 6.1, 6.3).
//!
//! Read leniently, by namespace and local name: what is missing stays `None`, and what it means is for `domain` to say.

use super::limits::{Limits, XmlError};

/// Room for ten times the largest agreement seen (270 KiB, 2 400 elements).
pub const LIMITS: Limits = Limits {
    max_bytes: 4 * 1024 * 1024,
    max_depth: 64,
    max_attributes_per_element: 64,
    max_elements: 24_000,
    max_namespaces: 64,
};

/// What a document is, by its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `CollaborationProtocolAgreement`: what two parties have agreed.
    Agreement,
    /// `CollaborationProtocolProfile`: what one party can do.
    Profile,
}

/// A profile or an agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Which of the two.
    pub kind: Kind,
    /// `@cpaid` of an agreement, `@cppid` of a profile.
    pub id: Option<String>,
    /// `Status/@value`: `proposed`, `agreed` or `signed`; profiles have none.
    pub status: Option<String>,
    /// `Start`, xs:dateTime; profiles have none.
    pub start: Option<String>,
    /// `End`, xs:dateTime; profiles have none.
    pub end: Option<String>,
    /// `PartyInfo`.
    pub parties: Vec<PartyInfo>,
    /// `Packaging`.
    pub packages: Vec<Package>,
    /// `SimplePart`.
    pub simple_parts: Vec<SimplePart>,
}

/// `PartyInfo`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartyInfo {
    /// `PartyId`.
    pub ids: Vec<PartyId>,
    /// `@partyName`.
    pub name: Option<String>,
    /// `CollaborationRole`.
    pub roles: Vec<CollaborationRole>,
    /// `Certificate`.
    pub certificates: Vec<Certificate>,
    /// `DeliveryChannel`.
    pub channels: Vec<DeliveryChannel>,
    /// `Transport`.
    pub transports: Vec<Transport>,
}

/// `PartyId`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartyId {
    /// `@type`: `HER`.
    pub kind: Option<String>,
    /// Its text.
    pub id: Option<String>,
}

/// `CollaborationRole`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CollaborationRole {
    /// `ProcessSpecification/@name`: the message function, in any case.
    pub process: Option<String>,
    /// `ProcessSpecification/@version`.
    pub version: Option<String>,
    /// `Role/@name`: `Innbygger`, `Helsepersonell`; in the older generation `{process}receiver`, `{process}sender`.
    pub name: Option<String>,
    /// `ApplicationCertificateRef/@certId`.
    pub certificate_refs: Vec<String>,
    /// `ServiceBinding/CanSend`.
    pub sends: Vec<ActionBinding>,
    /// `ServiceBinding/CanReceive`.
    pub receives: Vec<ActionBinding>,
}

/// `ThisPartyActionBinding`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActionBinding {
    /// `@action`.
    pub action: Option<String>,
    /// `@packageId`.
    pub package: Option<String>,
    /// `ChannelId`, the first.
    pub channel: Option<String>,
}

/// `Certificate`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// `@certId`.
    pub id: Option<String>,
    /// `X509Certificate` as DER, each of them; `None` where the text is no base64 or empty.
    pub der: Vec<Option<Vec<u8>>>,
}

/// `DeliveryChannel`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryChannel {
    /// `@channelId`.
    pub id: Option<String>,
    /// `@transportId`.
    pub transport: Option<String>,
}

/// `Transport`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transport {
    /// `@transportId`.
    pub id: Option<String>,
    /// `TransportReceiver/TransportProtocol`: `AMQP`.
    pub protocol: Option<String>,
    /// `TransportReceiver/Endpoint/@uri`, the first. For people: the address registry says where messages go.
    pub endpoint: Option<String>,
}

/// `Packaging`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// `@id`.
    pub id: Option<String>,
    /// `Constituent/@idref` of every `Encapsulation` and `Composite`: a `SimplePart`, or a composite of the same package.
    pub constituents: Vec<String>,
}

/// `SimplePart`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SimplePart {
    /// `@id`.
    pub id: Option<String>,
    /// `NamespaceSupported`: the namespaces of its XML.
    pub namespaces: Vec<String>,
}

/// Why bytes are no profile and no agreement. Free of content but for the root's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CppaError {
    /// No XML 1.0 within the limits.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// XML of another kind.
    #[error("the root is {local_name}, not a CollaborationProtocolProfile or CollaborationProtocolAgreement of ebXML CPPA 2.0")]
    Foreign {
        /// Local name of the root; at most 256 characters.
        local_name: String,
    },
}

/// Reads a profile or an agreement.
///
/// # Errors
/// [`CppaError`]. What is missing inside is no error here.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Document, CppaError> {
    super::read::agreement(bytes, limits)
}

impl PartyInfo {
    /// How the party receives on a channel; `None` when the channel or its transport is not there.
    pub fn transport(&self, channel: &str) -> Option<&Transport> {
        let channel = self.channels.iter().find(|c| c.id.as_deref() == Some(channel))?;
        let transport = channel.transport.as_deref()?;
        self.transports.iter().find(|t| t.id.as_deref() == Some(transport))
    }
}

impl Document {
    /// The namespaces that a package may carry, in the document's order. Empty for a package that the document does not describe.
    pub fn namespaces_of(&self, package: &str) -> Vec<&str> {
        let constituents = self.packages.iter().filter(|p| p.id.as_deref() == Some(package)).flat_map(|p| &p.constituents);
        let part = |idref: &String| self.simple_parts.iter().find(|p| p.id.as_ref() == Some(idref));
        constituents.filter_map(part).flat_map(|part| &part.namespaces).map(String::as_str).collect()
    }
}
