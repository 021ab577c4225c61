//! Certificates, and those published for a party itself.

use crate::step::{column, step};
use crate::{Session, StoreError, Tx};
use ::messages::HerId;
use domain::agreement::KnownCertificate;
use tokio_postgres::Row;

/// Stores certificates; what is known of one already there is brought up to date.
///
/// # Errors
/// As any step.
pub(crate) async fn put(tx: &Tx<'_>, certificates: &[&KnownCertificate]) -> Result<(), StoreError> {
    let der: Vec<&[u8]> = certificates.iter().map(|c| c.der.as_slice()).collect();
    let subjects: Vec<&str> = certificates.iter().map(|c| c.subject.as_str()).collect();
    let thumbprints: Vec<&str> = certificates.iter().map(|c| c.thumbprint.as_str()).collect();
    let signing: Vec<bool> = certificates.iter().map(|c| c.signing).collect();
    let encryption: Vec<bool> = certificates.iter().map(|c| c.encryption).collect();
    let not_before: Vec<_> = certificates.iter().map(|c| c.not_before).collect();
    let not_after: Vec<_> = certificates.iter().map(|c| c.not_after).collect();
    let put = step!(
        "certificate.put",
        "insert into dialogpost.certificate (fingerprint, der, subject, thumbprint, signing, encryption, not_before, not_after)
         select distinct on (1) sha256(der), * from unnest($1::bytea[], $2::text[], $3::text[], $4::bool[], $5::bool[],
            $6::timestamptz[], $7::timestamptz[]) as c(der, subject, thumbprint, signing, encryption, not_before, not_after)
         order by 1
         on conflict (fingerprint) do update set subject = excluded.subject, thumbprint = excluded.thumbprint,
            signing = excluded.signing, encryption = excluded.encryption, not_before = excluded.not_before,
            not_after = excluded.not_after"
    );
    tx.query(put, &[&der, &subjects, &thumbprints, &signing, &encryption, &not_before, &not_after]).await.map(drop)
}

/// Makes these the certificates that the set-up file publishes for a party.
///
/// # Errors
/// As any step.
pub(crate) async fn set_up(tx: &Tx<'_>, her_id: HerId, certificates: &[KnownCertificate]) -> Result<(), StoreError> {
    put(tx, &certificates.iter().collect::<Vec<_>>()).await?;
    let der: Vec<&[u8]> = certificates.iter().map(|c| c.der.as_slice()).collect();
    let clear =
        step!("certificate.clear_party", "delete from dialogpost.party_certificate where her_id = $1 and source = 'setup'");
    tx.query(clear, &[&her_id.get()]).await?;
    let set = step!(
        "certificate.set_party",
        "insert into dialogpost.party_certificate (her_id, fingerprint, source)
         select distinct $1::bigint, sha256(der), 'setup' from unnest($2::bytea[]) as c(der)"
    );
    tx.query(set, &[&her_id.get(), &der]).await.map(drop)
}

/// The certificates published for a party itself, those that last longest first.
///
/// # Errors
/// As any step.
pub async fn of_party(session: &Session, her_id: HerId) -> Result<Vec<KnownCertificate>, StoreError> {
    let of_party = step!(
        "certificate.of_party",
        "select c.* from dialogpost.certificate c
         where c.fingerprint in (select fingerprint from dialogpost.party_certificate where her_id = $1)
         order by c.not_after desc, c.fingerprint"
    );
    session.query(of_party, &[&her_id.get()]).await?.iter().map(of).collect()
}

/// Reads the columns of a certificate.
pub(crate) fn of(row: &Row) -> Result<KnownCertificate, StoreError> {
    Ok(KnownCertificate {
        der: column(row, "der")?,
        signing: column(row, "signing")?,
        encryption: column(row, "encryption")?,
        not_before: column(row, "not_before")?,
        not_after: column(row, "not_after")?,
        subject: column(row, "subject")?,
        thumbprint: column(row, "thumbprint")?,
    })
}
