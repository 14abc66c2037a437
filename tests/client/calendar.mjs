// Reads a calendar with a parser that knows nothing of ours, strictly, and says what is in it: node calendar.mjs file.ics
import { readFile } from 'node:fs/promises';
import ICAL from 'ical.js';

ICAL.design.strict = true;
ICAL.design.defaultSet.property.name = { defaultType: 'text' }; // RFC 7986, which it does not know
const calendar = new ICAL.Component(ICAL.parse(await readFile(process.argv[2], 'utf8')));
const need = (component, ...names) => {
  for (const name of names) {
    const count = component.getAllProperties(name).length;
    if (count !== 1) throw new Error(`${component.name} has ${count} properties ${name}`);
  }
};
need(calendar, 'version', 'prodid', 'calscale', 'name');
if (calendar.name !== 'vcalendar' || calendar.getAllSubcomponents().length === 0) throw new Error('no calendar with components');
const events = calendar.getAllSubcomponents('vevent').map((component) => {
  need(component, 'uid', 'dtstamp', 'dtstart', 'sequence', 'summary', 'status', 'last-modified');
  const event = new ICAL.Event(component);
  const geo = component.getFirstPropertyValue('geo');
  return {
    uid: event.uid, summary: event.summary, description: event.description, location: event.location, sequence: event.sequence,
    starts: event.startDate.toJSDate().toISOString(), ends: event.endDate?.toJSDate().toISOString(), geo,
    zone: event.startDate.zone.tzid, status: component.getFirstPropertyValue('status'),
  };
});
if (new Set(events.map((event) => event.uid)).size !== events.length) throw new Error('a UID is there twice');
console.log(JSON.stringify({ name: calendar.getFirstPropertyValue('name'), events }));
