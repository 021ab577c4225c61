//! The vocabularies we know: their namespaces, and the children of each element in schema order.

use super::namespaces as ns;

/// A namespace, compared once per element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ns {
    /// No namespace at all.
    None,
    /// One we do not read.
    Other,
    MsgHead,
    Dialog10,
    Dialog11,
    AppRec10,
    AppRec11,
    Base64,
    Relation,
    People,
    Professional,
    Calendar,
    M1,
    Prescription,
    Common,
    Soap,
    DigitalDialog,
    Signature,
    Agreement,
}

impl Ns {
    pub(super) fn of(uri: &str) -> Self {
        match uri {
            ns::MSGHEAD => Self::MsgHead,
            ns::DIALOG_1_0 => Self::Dialog10,
            ns::DIALOG_1_1 => Self::Dialog11,
            ns::APPREC_1_0 => Self::AppRec10,
            ns::APPREC_1_1 => Self::AppRec11,
            ns::BASE64CONTAINER => Self::Base64,
            ns::PASIENTRELASJON => Self::Relation,
            ns::PERSONER => Self::People,
            ns::HELSEPERSONELL | ns::HELSEPERSONELL_2014 => Self::Professional,
            ns::ICALENDAR => Self::Calendar,
            ns::M1_2013 | ns::M1_2010 => Self::M1,
            ns::FORSKRIVNING_2013 | ns::FORSKRIVNING_2010 => Self::Prescription,
            ns::FELLESKOMPONENT1 => Self::Common,
            ns::SOAP_1_2 => Self::Soap,
            ns::DIGITALDIALOG => Self::DigitalDialog,
            ns::XMLDSIG => Self::Signature,
            ns::CPPA_2_0 => Self::Agreement,
            _ => Self::Other,
        }
    }

    /// Whether an element of this namespace may hold one of the other.
    pub(super) fn holds(self, child: Self) -> bool {
        self == child
            || matches!(
                (self, child),
                (Self::Relation | Self::People | Self::Professional, Self::Common)
                    | (Self::Common, Self::Relation | Self::People | Self::Professional)
                    | (Self::M1, Self::Prescription)
                    | (Self::Soap, Self::DigitalDialog)
            )
    }

    /// Whether we know which attributes its elements may have.
    pub(super) fn is_known(self) -> bool {
        !matches!(self, Self::None | Self::Other | Self::Signature | Self::Agreement)
    }
}

/// The children of an element.
#[derive(Debug)]
pub(super) struct Shape {
    /// In schema order. Empty where no schema is public: anything goes.
    pub(super) names: &'static [&'static str],
    /// Those that may occur more than once.
    pub(super) many: &'static [&'static str],
}

/// Any children in any number.
pub(super) const ANY: Shape = Shape { names: &[], many: &[] };

pub(super) const MSG_HEAD: Shape =
    Shape { names: &["MsgInfo", "Document", "PatientReport"], many: &["Document", "PatientReport"] };
pub(super) const MSG_INFO: Shape = Shape {
    names: &[
        "Type",
        "MIGversion",
        "GenDate",
        "MsgId",
        "ProcessingStatus",
        "RequestedPriority",
        "Ack",
        "ConversationRef",
        "Sender",
        "Receiver",
        "OtherReceiver",
        "Patient",
    ],
    many: &["OtherReceiver"],
};
pub(super) const CONVERSATION_REF: Shape = Shape { names: &["RefToParent", "RefToConversation"], many: &[] };
pub(super) const PARTY: Shape = Shape { names: &["ComMethod", "Organisation"], many: &[] };
pub(super) const ORGANISATION: Shape = Shape {
    names: &["OrganisationName", "TypeOrganisation", "Ident", "Address", "TeleCom", "Organisation", "HealthcareProfessional"],
    many: &["Ident", "TeleCom"],
};
pub(super) const HEALTHCARE_PROFESSIONAL: Shape = Shape {
    names: &[
        "TypeHealthcareProfessional",
        "RoleToPatient",
        "FamilyName",
        "MiddleName",
        "GivenName",
        "DateOfBirth",
        "Sex",
        "Nationality",
        "Ident",
        "Address",
        "TeleCom",
    ],
    many: &["Ident", "TeleCom"],
};
pub(super) const PERSON: Shape = Shape {
    names: &["FamilyName", "MiddleName", "GivenName", "DateOfBirth", "Sex", "Nationality", "Ident", "Address", "TeleCom"],
    many: &["Ident", "TeleCom"],
};
pub(super) const IDENT: Shape = Shape { names: &["Id", "TypeId"], many: &[] };
pub(super) const DOCUMENT: Shape = Shape {
    names: &[
        "DocumentConnection",
        "ContentType",
        "ContentDescription",
        "ContentCategory",
        "Consent",
        "Annotation",
        "FromDate",
        "ToDate",
        "OidRef",
        "EnquiryRefId",
        "RefDoc",
    ],
    many: &[],
};
pub(super) const REF_DOC: Shape = Shape {
    names: &["IssueDate", "MsgType", "Id", "MimeType", "Description", "Compression", "FileReference", "Content"],
    many: &[],
};
pub(super) const PASIENTRELASJON: Shape = Shape { names: &["Relasjon", "Person"], many: &[] };

pub(super) const PERSONER: Shape = Shape { names: &["Person"], many: &["Person"] };

pub(super) const ICALENDAR: Shape = Shape { names: &["vcalendar"], many: &["vcalendar"] };
/// `vcalendar` and `vevent` alike.
pub(super) const COMPONENT: Shape = Shape { names: &["properties", "components"], many: &[] };

pub(super) const DIALOGMELDING: Shape =
    Shape { names: &["SakstypeKodet", "Sakstype", "Foresporsel", "Notat"], many: &["Foresporsel", "Notat"] };
pub(super) const FORESPORSEL: Shape = Shape {
    names: &[
        "TypeForesp",
        "EmneSporsmal",
        "Sporsmal",
        "Formål",
        "Begrunnelse",
        "Hastegrad",
        "FraDato",
        "TilDato",
        "TypeJournalinfo",
        "KodetOpplysning",
        "DokIdForesp",
        "RollerRelatertNotat",
    ],
    many: &["TypeJournalinfo", "RollerRelatertNotat"],
};
pub(super) const NOTAT: Shape = Shape {
    names: &[
        "TemaKodet",
        "Tema",
        "TekstNotatInnhold",
        "Merknad",
        "DokIdNotat",
        "DatoNotat",
        "Foresporsel",
        "RollerRelatertNotat",
    ],
    many: &["RollerRelatertNotat"],
};

pub(super) const APP_REC: Shape = Shape {
    names: &[
        "MsgType",
        "MIGversion",
        "SoftwareName",
        "SoftwareVersion",
        "GenDate",
        "Id",
        "Sender",
        "Receiver",
        "Status",
        "Error",
        "OriginalMsgId",
    ],
    many: &["Error"],
};
pub(super) const APP_REC_PARTY: Shape = Shape { names: &["Role", "HCP"], many: &[] };
pub(super) const HCP: Shape = Shape { names: &["Inst", "HCProf", "MedSpeciality", "Address"], many: &[] };
/// `Inst`, `Dept`, `HCProf` and `HCPerson`: each has some of these, in this order.
pub(super) const HCP_UNIT: Shape = Shape {
    names: &["Type", "Name", "Id", "TypeId", "Dept", "AdditionalId", "HCPerson"],
    many: &["Dept", "AdditionalId", "HCPerson"],
};
pub(super) const ADDITIONAL_ID: Shape = Shape { names: &["Id", "Type"], many: &[] };
pub(super) const ORIGINAL_MSG_ID: Shape = Shape { names: &["MsgType", "IssueDate", "Id"], many: &[] };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_repeat_is_a_child() {
        for shape in [
            MSG_HEAD,
            MSG_INFO,
            ORGANISATION,
            HEALTHCARE_PROFESSIONAL,
            PERSON,
            PERSONER,
            ICALENDAR,
            DIALOGMELDING,
            FORESPORSEL,
            NOTAT,
            APP_REC,
            HCP_UNIT,
        ] {
            assert!(shape.many.iter().all(|name| shape.names.contains(name)), "{shape:?}");
            assert!(shape.names.len() <= 32, "a bit each in Children::seen");
        }
    }
}
