//! The TLS connector of an `mqtts://` broker, from PEM files.

use std::path::Path;

use native_tls::{Certificate, Identity, TlsConnector};

/// A certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{file}: {error}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// A file's content cannot be used.
    #[error("{file}: {error}")]
    Unusable {
        /// The file.
        file: String,
        /// What the TLS library says.
        error: native_tls::Error,
    },
}

/// A connector that trusts the system's authorities, or only those of `ca_file`, and shows a client certificate where
/// one is given.
///
/// # Errors
/// [`TlsError`] that names the file.
pub fn connector(ca_file: Option<&Path>, client: Option<(&Path, &Path)>) -> Result<TlsConnector, TlsError> {
    let mut builder = TlsConnector::builder();
    if let Some(path) = ca_file {
        let authorities = Certificate::stack_from_pem(&read(path)?).map_err(|error| unusable(path, error))?;
        builder.disable_built_in_roots(true);
        for authority in authorities {
            builder.add_root_certificate(authority);
        }
    }
    if let Some((certificate, key)) = client {
        let identity = Identity::from_pkcs8(&read(certificate)?, &read(key)?).map_err(|error| unusable(key, error))?;
        builder.identity(identity);
    }
    builder.build().map_err(|error| TlsError::Unusable { file: "TLS".to_owned(), error })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| TlsError::Unreadable { file: path.display().to_string(), error })
}

fn unusable(path: &Path, error: native_tls::Error) -> TlsError {
    TlsError::Unusable { file: path.display().to_string(), error }
}
