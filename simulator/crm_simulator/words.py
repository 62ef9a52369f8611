"""The vocabulary of the content, as tables."""

from __future__ import annotations


def _table(text: str) -> tuple[str, ...]:
    return tuple(" ".join(text.split()).split(" | "))


FIRST_NAMES = _table(
    """
    Amelia | Oliver | Isla | George | Ava | Noah | Mia | Arthur | Ivy | Harry | Lily | Leo | Isabella |
    Muhammad | Rosie | Jack | Sophia | Charlie | Grace | Oscar | Willow | Jacob | Freya | Henry |
    Florence | Thomas | Emily | Freddie | Ella | Alfie | Poppy | Theodore | Evie | William | Elsie |
    Theo | Charlotte | Archie | Evelyn | Joshua | Sienna | Alexander | Sofia | James | Daisy | Isaac |
    Phoebe | Edward | Sophie | Lucas | Alice | Tommy | Harper | Finley | Matilda | Max | Ruby | Logan |
    Emma | Ethan | Maya | Mason | Millie | Benjamin | Priya | Rajesh | Aisha | Omar | Siobhán | Niamh |
    Seán | Zoë | Chloë | José | Inés | Łukasz | Agnieszka | Jürgen | Søren | Françoise | Renée | Björn |
    Mei | Hiroshi
    """
)
LAST_NAMES = _table(
    """
    Smith | Jones | Taylor | Brown | Williams | Wilson | Johnson | Davies | Patel | Robinson | Wright |
    Thompson | Evans | Walker | White | Roberts | Green | Hall | Wood | Jackson | Clarke | Khan | Lewis
    | Clark | Phillips | Harris | Hughes | Turner | Hill | Cooper | Morris | Moore | Ward | Watson |
    Morgan | Anderson | Harrison | King | Campbell | Martin | Bell | Mitchell | Baker | Kelly | Allen |
    Shaw | Young | Ali | Singh | Begum | Hussain | O'Brien | O'Connor | MacDonald | McKenzie | Müller |
    Nowak | Kowalski | García | Fernández | Søndergaard | Dubois | Rossi | Tanaka | Chen | Nguyen |
    Okafor | Adeyemi | Lindqvist | Petrov | Jansen | Weber | Novák | Byrne | Murphy | Doyle | Ashworth
    """
)
ROOTS = _table(
    """
    Northgate | Harbour | Silverstone | Oakfield | Pennine | Clearwater | Redwood | Meridian | Castle |
    Lakeside | Summit | Beacon | Brightwell | Ironbridge | Kestrel | Falcon | Highland | Severn | Thames
    | Avon | Mersey | Calder | Cotswold | Albion | Britannia | Cavendish | Fairfield | Granite |
    Hawthorn | Juniper | Kingfisher | Lynton | Marlow | Nightingale | Orchard | Pinnacle | Quayside |
    Rowan | Sterling | Tamar | Umbra | Vantage | Westbrook | Yarrow | Zenith | Blue | Bright | Swift |
    Urban | Global | First | Apex
    """
)
TRADES = _table(
    """
    Engineering | Logistics | Foods | Systems | Software | Consulting | Interiors | Textiles | Printing
    | Packaging | Energy | Solar | Dental | Pharma | Motors | Builders | Roofing | Plumbing | Electrical
    | Security | Media | Design | Training | Recruitment | Travel | Catering | Breweries | Farms |
    Timber | Steel | Plastics | Instruments | Analytics | Telecoms | Insurance | Finance | Legal
    """
)
FORMS = _table(
    """
    Ltd | Ltd | Ltd | Limited | plc | LLP | Group | & Sons | (UK) Ltd | CIC
    """
)
DIAL_CODES = _table(
    """
    0113 | 0114 | 0115 | 0116 | 0117 | 0118 | 0121 | 0131 | 0141 | 0151 | 0161
    """
)
CITIES = (
    ("Leeds", "West Yorkshire", "LS", "United Kingdom"),
    ("Sheffield", "South Yorkshire", "S", "United Kingdom"),
    ("Manchester", "Greater Manchester", "M", "United Kingdom"),
    ("Bristol", "Avon", "BS", "United Kingdom"),
    ("York", "North Yorkshire", "YO", "United Kingdom"),
    ("Harrogate", "North Yorkshire", "HG", "United Kingdom"),
    ("Birmingham", "West Midlands", "B", "United Kingdom"),
    ("Norwich", "Norfolk", "NR", "United Kingdom"),
    ("Cambridge", "Cambridgeshire", "CB", "United Kingdom"),
    ("Oxford", "Oxfordshire", "OX", "United Kingdom"),
    ("Exeter", "Devon", "EX", "United Kingdom"),
    ("Cardiff", "South Glamorgan", "CF", "United Kingdom"),
    ("Edinburgh", "Midlothian", "EH", "United Kingdom"),
    ("Glasgow", "Lanarkshire", "G", "United Kingdom"),
    ("Belfast", "Antrim", "BT", "United Kingdom"),
    ("London", "Greater London", "SE", "United Kingdom"),
    ("Durham", "County Durham", "DH", "United Kingdom"),
    ("Dublin", "Leinster", "D", "Ireland"),
    ("Kraków", "Małopolska", "PL", "Poland"),
    ("Malmö", "Skåne", "SE", "Sweden"),
)
STREETS = _table(
    """
    High Street | Station Road | Church Lane | Park Road | Victoria Street | Mill Lane | King's Road |
    Queen Street | The Crescent | Albert Road | Market Place | Bridge Street | Canal Wharf | Tannery Row
    | Enterprise Way | Wharf Road | St. John's Square | Broadway | Kirkgate | Science Park
    """
)
POSTCODE_ENDS = _table(
    """
    AA | AB | BD | DG | EH | GJ | HL | JN | LP | NQ | PR | RS | TW | UX | WY | ZZ
    """
)
OPENINGS = _table(
    """
    Spoke to the buyer, who | Called back: the customer | Met at the trade fair; the team | Their
    director | Accounts confirmed that the client | By e-mail the office manager | Left a message, later
    the owner | Site visit: the foreman | Procurement | The new contact | After the demo the board |
    Support heard that it
    """
)
MIDDLES = _table(
    """
    wants a revised offer | asked for references | agreed in principle | needs delivery in two parts |
    is comparing us with two others | would like a longer payment term | reported a fault on line 3 |
    asked for a training day | wants to renew early | needs the VAT invoice again | is happy with the
    pilot | cannot decide before the budget round | asked to move the go-live | wants 24 more licences
    """
)
ENDINGS = _table(
    """
    by the end of the month | before Easter | as soon as possible | once legal has signed | next quarter
    | at the old price | with 10% discount | for both sites | and copies in finance | - call again on
    Monday | (see attached notes) | at £1,250 a unit | including installation | without maintenance
    """
)
PRODUCTS = _table(
    """
    Rack Server R2 | Label Printer LP40 | Handheld Scanner | Network Switch 24 | Support Hour | Training
    Day | Annual Licence | Starter Licence | Wall Mount | UPS 1500 | Fibre Cable 10 m | Conference
    Camera | Door Controller | Access Card (100) | Solar Panel 400 W | Inverter 5 kW | Battery Pack |
    Heat Pump 8 kW | Installation | Survey | Maintenance Contract | Desk Oak 160 | Task Chair | Filing
    Cabinet | Whiteboard
    """
)
INDUSTRIES = _table(
    """
    Manufacturing | Construction | Retail | Education | Healthcare | Finance | Hospitality | Technology
    | Transportation | Utilities | Not For Profit | Agriculture | Government | Media
    """
)
JOB_TITLES = _table(
    """
    Managing Director | Finance Director | Buyer | Operations Manager | IT Manager | Office Manager |
    Sales Director | Head of Procurement | Engineer | Project Manager | Accountant | Owner | Partner
    """
)
DEPARTMENTS = _table(
    """
    Sales | Purchasing | Finance | IT | Operations | Human Resources | Marketing | Board
    """
)
LEAD_SOURCES = _table(
    """
    Cold Call | Existing Customer | Employee | Partner | Public Relations | Campaign | Trade Show | Web
    Site | Word of mouth | Other
    """
)
ACTIVITY_SUBJECTS = _table(
    """
    Follow-up call | Send revised quote | Demo on site | Contract review | Kick-off meeting | Chase
    payment | Quarterly review | Renewal call | Introduce account manager | Collect requirements |
    Thank-you e-mail
    """
)
ISSUES = _table(
    """
    Cannot log in | Printer offline | Invoice shows wrong VAT | Delivery incomplete | Licence key
    rejected | Scanner battery drains | Report exports empty | Password reset loop | Noise from inverter
    | Order status not updated | Data import stops at row 1,000 | Door controller beeps
    """
)
DEALS = _table(
    """
    licence renewal | new warehouse | office refit | support contract | solar roof | pilot project |
    scanner roll-out | data centre move | training programme | second site | spare parts | framework
    agreement
    """
)
