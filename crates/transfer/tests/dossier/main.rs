//! The dossier in its three forms: what is said, the JSON document against its schema, and the parts of an
//! INVITE taken apart again; and the names in them against the standards, written by hand.

mod document;
mod facts;
mod invite;
mod made;
mod names;
mod said;
mod xml;
