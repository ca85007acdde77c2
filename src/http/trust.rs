//! Whose certificates are believed: the system's or the bundled authorities, one's own, and a
//! server's very own certificate where it stands among them, as curl does.

use super::ClientError;
use crate::env::Env;
use crate::os::awaited::AwaitedResource;
use crate::os::files;
use crate::text::quote;
use rustls::CertificateError::{Other, UnknownIssuer};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// How webpki calls an authority's certificate that a server presents as its own.
pub(super) const AUTHORITY_AS_SERVER: &str = "CaUsedAsEndEntity";

/// The largest file of certificates that is read; that of Mozilla has 0.2 MB.
const MAX_CERTIFICATES: u64 = 16 * 1024 * 1024;

/// The files and folders that replace the system's own, by the variables that name them.
static SOURCES: OnceLock<Vec<(&str, PathBuf)>> = OnceLock::new();

/// Remembers where the variables of OpenSSL say that the system's certificates are.
pub fn read_variables(env: &Env) {
    let file = env.get("SSL_CERT_FILE").map(|file| ("SSL_CERT_FILE", PathBuf::from(file)));
    let folders = env.get("SSL_CERT_DIR").map(std::env::split_paths).into_iter().flatten();
    let folders = folders.map(|folder| ("SSL_CERT_DIR", folder));
    // A process has one environment.
    let _ = SOURCES.set(file.into_iter().chain(folders).collect());
}

/// Looks whether what replaces the system's certificates can be read to its end.
fn check_sources() -> Result<(), ClientError> {
    let check = |name: &str, path: &Path| match files::unfitness(path, MAX_CERTIFICATES) {
        Some(fault) => Err(format!("{name}: {} {fault}", quote(&path.to_string_lossy()))),
        None => Ok(()),
    };
    for (name, path) in SOURCES.get().into_iter().flatten() {
        check(name, path)?;
        // What is no file in a folder is passed over.
        let inner = path.read_dir().into_iter().flatten().flatten().map(|entry| entry.path());
        inner.filter(|file| file.is_file()).try_for_each(|file| check(name, &file))?;
    }
    Ok(())
}

/// TLS that trusts the system's certificates, else the bundled ones, and those of these PEM texts.
pub(super) fn config(own: &[String]) -> Result<ClientConfig, ClientError> {
    check_sources()?;
    let _awaited = AwaitedResource::SystemCertificates.enter();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let own = own.iter().flat_map(|pem| CertificateDer::pem_slice_iter(pem.as_bytes()));
    let own: Vec<_> = own.filter_map(Result::ok).collect();
    let authorities = authorities(&own, &provider)?;
    let verifier = TrustVerifier { authorities, own, provider: Arc::clone(&provider) };
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// What checks a chain up to an authority.
fn authorities(
    own: &[CertificateDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    // Certificates of one's own would hide that the system has none.
    let system = Verifier::new(Arc::clone(provider));
    let system = match own.is_empty() {
        true => system,
        false => {
            system.and_then(|_| Verifier::new_with_extra_roots(own.to_vec(), Arc::clone(provider)))
        }
    };
    if let Ok(system) = system {
        return Ok(Arc::new(system));
    }
    tracing::debug!("no system root certificates found; using the bundled ones");
    let bundled = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().chain(own);
    Ok(webpki(bundled, provider)?)
}

/// A verifier that trusts these alone.
fn webpki<'a>(
    trusted: impl Iterator<Item = &'a CertificateDer<'a>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in trusted {
        roots.add(certificate.clone().into_owned())?;
    }
    let builder =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    builder.build().map_err(|error| Error::General(error.to_string()))
}

/// Trusts what an authority vouches for, and else a certificate that is trusted itself, byte for
/// byte, for its names and within its dates.
#[derive(Debug)]
struct TrustVerifier {
    authorities: Arc<dyn ServerCertVerifier>,
    own: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl TrustVerifier {
    /// Whether it is among the certificates that were given. The system's are read again: that
    /// happens only before a failure.
    fn is_given(&self, certificate: &CertificateDer<'_>) -> bool {
        self.own.contains(certificate) || system_certificates().contains(certificate)
    }

    /// Checks a certificate that is trusted itself.
    fn verify_alone(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let alone = webpki(std::iter::once(certificate), &self.provider)?;
        match alone.verify_server_cert(certificate, &[], name, &[], now) {
            // Either comes after the dates, and before the name.
            Err(error) if is_unvouched(&error) => {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }
}

/// Whether nobody who is trusted has signed it, or it is an authority's certificate and a server's
/// in one, as `openssl req -x509` makes it.
fn is_unvouched(error: &Error) -> bool {
    match error {
        Error::InvalidCertificate(UnknownIssuer) => true,
        Error::InvalidCertificate(Other(why)) => why.to_string() == AUTHORITY_AS_SERVER,
        _ => false,
    }
}

/// What the system trusts, where that is a file or a folder; `SSL_CERT_FILE` and `SSL_CERT_DIR` go
/// before it.
#[cfg(all(unix, not(target_vendor = "apple")))]
fn system_certificates() -> Vec<CertificateDer<'static>> {
    rustls_native_certs::load_native_certs().certs
}

/// The system's own verifier has looked already.
#[cfg(not(all(unix, not(target_vendor = "apple"))))]
fn system_certificates() -> Vec<CertificateDer<'static>> {
    Vec::new()
}

impl ServerCertVerifier for TrustVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.authorities.verify_server_cert(
            certificate,
            intermediates,
            name,
            ocsp_response,
            now,
        );
        match verdict {
            Err(error) if is_unvouched(&error) && self.is_given(certificate) => {
                self.verify_alone(certificate, name, now)
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}
