// The tickets of the mock node: revisions, guards of closing, tracking.

export class Tickets {
  constructor(site) {
    this.site = site;
    this.all = new Map();
    this.codes = new Map();
  }

  get(id) {
    return this.all.get(id);
  }

  open(creator, waitMS) {
    const id = `${creator}.01JZ8Q4W7N5T3X9V2R6K1M0H${String(this.all.size + 10)}`;
    const at = new Date().toISOString();
    this.all.set(id, {
      ticket_id: id, creator_ipa: creator, owner_ipa: this.site, state: 'draft', reporting_state: 'in_fo', category: '', topic: '', contact_reason: '',
      channel: 'phone', language: 'it', subject: '', description: '', answer: '', outcome: '', opened_at: at,
      contacts: [{ contact_id: `c${this.all.size}`, channel: 'phone', direction: 'in', at, site: creator, wait_s: waitMS / 1000, duration_s: 0 }],
      history: [{ at, by: creator, role: 'fo', kind: 'opened' }], revision: 1,
    });
    return id;
  }

  change(id, kind, fields) {
    const t = this.all.get(id);
    Object.assign(t, fields, { revision: t.revision + 1, history: [...t.history, { at: new Date().toISOString(), by: this.site, role: 'fo', kind }] });
    return t;
  }

  answered(id) {
    if (this.get(id).state === 'draft') this.change(id, 'answered', { state: 'open_fo' });
  }

  given(id, to) {
    this.change(id, 'transferred', { owner_ipa: to });
  }

  tracking(id) {
    if (this.codes.has(id)) return { code: this.codes.get(id) };
    this.codes.set(id, '482 913 705 6');
    return { code: '482 913 705 6', pin: '730214' };
  }

  write(id, ifMatch, verb, body) {
    const t = this.get(id);
    if (ifMatch === undefined) return { status: 428, kind: 'precondition-required' };
    if (ifMatch !== `"${t.revision}"`) return { status: 412, kind: 'stale' };
    if (t.owner_ipa !== this.site) return { status: 403, kind: 'forbidden' };
    if (t.state === 'draft') return { status: 409, kind: 'illegal-state' };
    if (verb === undefined) {
      this.change(id, 'edited', body);
      return { status: 200 };
    }
    const missing = ['category', 'topic', 'outcome'].filter((f) => !body[f]);
    if (body.outcome === 'answered' && !body.answer) missing.push('answer');
    if (missing.length > 0) return { status: 422, kind: 'invalid', more: { fields: missing } };
    const { to, ...fields } = body;
    this.change(id, 'closed', { ...fields, state: to, reporting_state: 'chiusa_fo', closed_at: new Date().toISOString() });
    return { status: 200 };
  }
}
