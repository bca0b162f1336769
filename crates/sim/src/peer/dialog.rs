//! A dialog: what both ends know each other by, and the requests within it (RFC 3261 §12).

use super::desk::{Context, Desk};
use super::text::{Message, Writer, tag_of};

/// One end of a dialog. Route sets are left out: the engine records no route (§12.1).
#[derive(Debug)]
pub(crate) struct Dialog {
    pub call_id: Box<str>,
    /// Our From, or the To of our responses, with its tag.
    pub local: Box<str>,
    /// The other end's, with its tag as soon as it has one.
    pub remote: Box<str>,
    /// Remote target: what requests are sent to.
    pub target: Box<str>,
    /// Our Contact.
    pub contact: Box<str>,
    /// CSeq of our last request.
    pub seq: u32,
    /// CSeq of the other end's last request.
    pub remote_seq: Option<u32>,
}

impl Dialog {
    /// Writes a request of the next CSeq within the dialog (§12.2.1.1); gives its branch.
    pub(crate) fn request(&mut self, cx: &mut Context<'_>, method: &str) -> (u64, Writer) {
        self.seq += 1;
        self.write(cx, method, self.seq)
    }

    /// Writes a request of this CSeq: ACK (§13.2.2.4), or one of [`Dialog::request`].
    pub(crate) fn write(&self, cx: &mut Context<'_>, method: &str, seq: u32) -> (u64, Writer) {
        let (branch, writer) = cx.request(method, &self.target);
        let writer = writer
            .header("From", &self.local)
            .header("To", &self.remote)
            .header("Call-ID", &self.call_id)
            .format("CSeq", format_args!("{seq} {method}"))
            .header("Contact", &self.contact)
            .header("Max-Forwards", "70");
        (branch, writer)
    }

    /// The other end's tag and target are now known (§12.1.2).
    pub(crate) fn establish(&mut self, response: &Message<'_>) {
        if tag_of(&self.remote).is_empty() {
            self.remote = response.to.into();
        }
        self.refresh(response);
    }

    /// A target refresh (§12.2).
    pub(crate) fn refresh(&mut self, message: &Message<'_>) {
        if let Some(target) = message.contact()
            && *target != *self.target
        {
            self.target = target.into();
        }
    }

    /// True if a request belongs to this dialog (§12.2.2).
    pub(crate) fn owns(&self, request: &Message<'_>) -> bool {
        *request.call_id == *self.call_id
            && tag_of(request.to) == tag_of(&self.local)
            && tag_of(request.from) == tag_of(&self.remote)
    }

    /// Notes the CSeq of a request; false if it is out of order (§12.2.2).
    pub(crate) fn take_seq(&mut self, seq: u32) -> bool {
        let fits = self.remote_seq.is_none_or(|last| seq > last);
        if fits {
            self.remote_seq = Some(seq);
        }
        fits
    }
}

/// The Contact of a user at this desk.
pub(crate) fn contact(desk: &Desk, user: &str) -> Box<str> {
    let (address, parameters) = (desk.settings.address, desk.contact_parameters());
    format!("<sip:{user}@{address}{parameters}>").into()
}
