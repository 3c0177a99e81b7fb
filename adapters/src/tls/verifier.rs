//! [`Verifier`]: the checks of webpki, which also says when a certificate is self-signed.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore,
    SignatureScheme,
};

/// The checks of webpki and no others.
#[derive(Debug)]
pub(super) struct Verifier {
    pub(super) checks: Arc<WebPkiServerVerifier>,
    /// Whom these trust.
    pub(super) roots: Arc<RootCertStore>,
}

impl Verifier {
    /// What is wrong with a certificate: before all else that its only authority is itself, which
    /// is not trusted. webpki looks for the authority last, and at much else before.
    fn fault(&self, certificate: &[u8], found: CertificateError) -> CertificateError {
        let Some(name) = own_issuer(certificate) else {
            return found;
        };
        let is_unsigned = matches!(
            found,
            CertificateError::UnknownIssuer | CertificateError::BadSignature
        );
        let mut roots = self.roots.roots.iter();
        if is_unsigned || !roots.any(|root| *root.subject == *name) {
            return CertificateError::Other(OtherError(Arc::new(SelfSigned)));
        }
        found
    }
}

/// A certificate that is not trusted is its own authority.
#[derive(Debug, thiserror::Error)]
#[error("the certificate is self-signed")]
pub(crate) struct SelfSigned;

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let checks = &self.checks;
        let verified =
            checks.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        verified.map_err(|error| match error {
            Error::InvalidCertificate(found) => self.fault(end_entity, found).into(),
            other => other,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.checks
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.checks
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.checks.supported_verify_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.checks.root_hint_subjects()
    }
}

/// The name of a certificate that names itself as its issuer.
fn own_issuer(certificate: &[u8]) -> Option<&[u8]> {
    let (issuer, subject) = issuer_and_subject(certificate)?;
    (issuer == subject).then_some(subject)
}

/// The two names of a certificate (RFC 5280 §4.1).
fn issuer_and_subject(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, signed, _) = element(certificate)?;
    let (_, fields, _) = element(signed)?;
    let (tag, _, after_version) = element(fields)?;
    let serial = if tag == VERSION {
        after_version
    } else {
        fields
    };
    let (_, _, algorithm) = element(serial)?;
    let (_, _, issuer) = element(algorithm)?;
    let (_, issuer, validity) = element(issuer)?;
    let (_, _, subject) = element(validity)?;
    let (_, subject, _) = element(subject)?;
    Some((issuer, subject))
}

/// The tag and the content of the first element, and what follows it (X.690 §8.1).
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first.checked_sub(0x80) {
        None => (usize::from(*first), rest),
        Some(count @ 1..=3) => {
            let (digits, rest) = rest.split_at_checked(usize::from(count))?;
            let digit = |length, digit: &u8| length << 8 | usize::from(*digit);
            (digits.iter().fold(0, digit), rest)
        }
        Some(_) => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// The tag of the field before the serial number, which may be absent.
const VERSION: u8 = 0xa0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_cut_at_its_length() {
        let long = [[0x30, 0x82, 0x01, 0x00].as_slice(), &[7; 257]].concat();

        assert_eq!(
            element(&[0x02, 0x01, 0x05, 0x09]),
            Some((2, &[5][..], &[9][..]))
        );
        assert_eq!(element(&long), Some((0x30, &[7; 256][..], &[7][..])));
        for broken in [&[0x02][..], &[0x02, 2, 1], &[0x30, 0x84, 0, 0, 0, 1, 1]] {
            assert_eq!(element(broken), None);
        }
    }
}
