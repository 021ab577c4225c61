//! Collaboration profiles and agreements. Elements that do not belong are passed over, whatever their order.

use crate::wire::base64;
use crate::wire::cppa::{
    ActionBinding, Certificate, CollaborationRole, CppaError, DeliveryChannel, Document, Kind, Package, PartyId, PartyInfo,
    SimplePart, Transport,
};
use crate::wire::limits::XmlError;
use crate::wire::reader::{Reader, Tag};
use crate::wire::shape::Ns;

type Done = Result<(), XmlError>;

/// Reads the whole document.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Document, CppaError> {
    let tag = reader.root()?;
    let (kind, id) = match (tag.ns, tag.local()) {
        (Ns::Agreement, "CollaborationProtocolAgreement") => (Kind::Agreement, "cpaid"),
        (Ns::Agreement, "CollaborationProtocolProfile") => (Kind::Profile, "cppid"),
        _ => {
            let local_name = reader.name_of(&tag).1;
            reader.skip()?;
            return Err(CppaError::Foreign { local_name });
        }
    };
    let mut document = Document {
        kind,
        id: reader.attribute(&tag, id),
        status: None,
        start: None,
        end: None,
        parties: Vec::new(),
        packages: Vec::new(),
        simple_parts: Vec::new(),
    };
    children(reader, |reader, tag| match tag.local() {
        "Status" => {
            document.status = reader.attribute(tag, "value");
            reader.skip()
        }
        "Start" => reader.text().map(|text| document.start = text),
        "End" => reader.text().map(|text| document.end = text),
        "PartyInfo" => party(reader, tag).map(|party| document.parties.push(party)),
        "Packaging" => package(reader, tag).map(|package| document.packages.push(package)),
        "SimplePart" => simple_part(reader, tag).map(|part| document.simple_parts.push(part)),
        _ => reader.skip(),
    })?;
    Ok(document)
}

/// Hands over each child of the element just begun that is of this vocabulary; `read` takes it to its end.
fn children(reader: &mut Reader<'_>, mut read: impl FnMut(&mut Reader<'_>, &Tag<'_>) -> Done) -> Done {
    while let Some(tag) = reader.element()? {
        match tag.ns {
            Ns::Agreement => read(reader, &tag)?,
            _ => reader.skip()?,
        }
    }
    Ok(())
}

fn party(reader: &mut Reader<'_>, tag: &Tag<'_>) -> Result<PartyInfo, XmlError> {
    let mut party = PartyInfo { name: reader.attribute(tag, "partyName"), ..PartyInfo::default() };
    children(reader, |reader, tag| match tag.local() {
        "PartyId" => {
            let kind = reader.attribute(tag, "type");
            reader.text().map(|id| party.ids.push(PartyId { kind, id }))
        }
        "CollaborationRole" => role(reader).map(|role| party.roles.push(role)),
        "Certificate" => certificate(reader, tag).map(|certificate| party.certificates.push(certificate)),
        "DeliveryChannel" => {
            let (id, transport) = (reader.attribute(tag, "channelId"), reader.attribute(tag, "transportId"));
            party.channels.push(DeliveryChannel { id, transport });
            reader.skip()
        }
        "Transport" => transport(reader, tag).map(|transport| party.transports.push(transport)),
        _ => reader.skip(),
    })?;
    Ok(party)
}

fn role(reader: &mut Reader<'_>) -> Result<CollaborationRole, XmlError> {
    let mut role = CollaborationRole::default();
    children(reader, |reader, tag| match tag.local() {
        "ProcessSpecification" => {
            (role.process, role.version) = (reader.attribute(tag, "name"), reader.attribute(tag, "version"));
            reader.skip()
        }
        "Role" => {
            role.name = reader.attribute(tag, "name");
            reader.skip()
        }
        "ApplicationCertificateRef" => {
            role.certificate_refs.extend(reader.attribute(tag, "certId"));
            reader.skip()
        }
        "ServiceBinding" => service(reader, &mut role),
        _ => reader.skip(),
    })?;
    Ok(role)
}

fn service(reader: &mut Reader<'_>, role: &mut CollaborationRole) -> Done {
    children(reader, |reader, tag| match tag.local() {
        "CanSend" => bindings(reader, &mut role.sends),
        "CanReceive" => bindings(reader, &mut role.receives),
        _ => reader.skip(),
    })
}

fn bindings(reader: &mut Reader<'_>, found: &mut Vec<ActionBinding>) -> Done {
    children(reader, |reader, tag| match tag.local() {
        "ThisPartyActionBinding" => {
            let (action, package) = (reader.attribute(tag, "action"), reader.attribute(tag, "packageId"));
            channel(reader).map(|channel| found.push(ActionBinding { action, package, channel }))
        }
        _ => reader.skip(),
    })
}

fn channel(reader: &mut Reader<'_>) -> Result<Option<String>, XmlError> {
    let mut first = None;
    children(reader, |reader, tag| match tag.local() {
        "ChannelId" if first.is_none() => reader.text().map(|text| first = text),
        _ => reader.skip(),
    })?;
    Ok(first)
}

fn certificate(reader: &mut Reader<'_>, tag: &Tag<'_>) -> Result<Certificate, XmlError> {
    let mut certificate = Certificate { id: reader.attribute(tag, "certId"), der: Vec::new() };
    key_info(reader, &mut certificate.der)?;
    Ok(certificate)
}

/// `KeyInfo/X509Data/X509Certificate`, at whatever depth the limits allow.
fn key_info(reader: &mut Reader<'_>, found: &mut Vec<Option<Vec<u8>>>) -> Done {
    while let Some(tag) = reader.element()? {
        match (tag.ns, tag.local()) {
            (Ns::Signature, "X509Certificate") => found.push(base64::read(reader)?.filter(|der| !der.is_empty())),
            (Ns::Signature, "KeyInfo" | "X509Data") => key_info(reader, found)?,
            _ => reader.skip()?,
        }
    }
    Ok(())
}

fn transport(reader: &mut Reader<'_>, tag: &Tag<'_>) -> Result<Transport, XmlError> {
    let mut transport = Transport { id: reader.attribute(tag, "transportId"), ..Transport::default() };
    children(reader, |reader, tag| match tag.local() {
        "TransportReceiver" => receiver(reader, &mut transport),
        _ => reader.skip(),
    })?;
    Ok(transport)
}

fn receiver(reader: &mut Reader<'_>, transport: &mut Transport) -> Done {
    children(reader, |reader, tag| match tag.local() {
        "TransportProtocol" => reader.text().map(|text| transport.protocol = text),
        "Endpoint" if transport.endpoint.is_none() => {
            transport.endpoint = reader.attribute(tag, "uri");
            reader.skip()
        }
        _ => reader.skip(),
    })
}

fn package(reader: &mut Reader<'_>, tag: &Tag<'_>) -> Result<Package, XmlError> {
    let mut package = Package { id: reader.attribute(tag, "id"), constituents: Vec::new() };
    children(reader, |reader, tag| match tag.local() {
        "CompositeList" => children(reader, |reader, tag| match tag.local() {
            "Encapsulation" | "Composite" => constituents(reader, &mut package.constituents),
            _ => reader.skip(),
        }),
        _ => reader.skip(),
    })?;
    Ok(package)
}

fn constituents(reader: &mut Reader<'_>, found: &mut Vec<String>) -> Done {
    children(reader, |reader, tag| {
        if tag.local() == "Constituent" {
            found.extend(reader.attribute(tag, "idref"));
        }
        reader.skip()
    })
}

fn simple_part(reader: &mut Reader<'_>, tag: &Tag<'_>) -> Result<SimplePart, XmlError> {
    let mut part = SimplePart { id: reader.attribute(tag, "id"), namespaces: Vec::new() };
    children(reader, |reader, tag| match tag.local() {
        "NamespaceSupported" => reader.text().map(|text| part.namespaces.extend(text)),
        _ => reader.skip(),
    })?;
    Ok(part)
}
