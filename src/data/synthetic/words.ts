import { base, de, en, en_GB, es, Faker, fr, it, nl, sv } from '@faker-js/faker'
import type { Dice } from './dice.ts'
import { capital } from './grammar.ts'
import { sentence } from './sentences.ts'

const locales = { en, en_GB, de, fr, es, it, nl, sv }
const weights = { en: 6, en_GB: 2, de: 1, fr: 1, es: 1, it: 1, nl: 1, sv: 1 } as const

const groceries =
  'Whole Milk|Skimmed Milk|Butter|Cream Cheese|Greek Yogurt|Cheddar|Mozzarella|Eggs|Sourdough|Baguette|Bagels|Croissant|' +
  'Bananas|Apples Gala|Red Grapes|Lemons|Limes|Avocado|Tomatoes|Cucumber|Carrots|Potatoes|Onions|Garlic|Spinach|Broccoli|' +
  'Chicken Breast|Ground Beef|Pork Chops|Salmon Fillet|Tuna Can|Shrimp|Ham Sliced|Bacon|Salami|Sausages|Tofu|Hummus|' +
  'Spaghetti|Penne|Basmati Rice|Lentils|Chickpeas|Black Beans|Oats|Muesli|Corn Flakes|Flour|Sugar|Sea Salt|Olive Oil|' +
  'Vinegar|Soy Sauce|Ketchup|Mustard|Mayonnaise|Peanut Butter|Honey|Jam Apricot|Dark Chocolate|Cookies|Crackers|Chips|' +
  'Popcorn|Almonds|Cashews|Raisins|Orange Juice|Apple Juice|Cola|Sparkling Water|Iced Tea|Coffee Beans|Green Tea|Red Wine|' +
  'White Wine|Lager|Cider|Paper Towels|Toilet Paper|Dish Soap|Laundry Gel|Sponges|Trash Bags|Foil|Batteries AA|Light Bulb|' +
  'Shampoo|Toothpaste|Soap Bar|Hand Cream|Razor Blades|Tissues|Cat Food|Dog Treats|Candles|Matches|Notebook|Ballpen|Stapler'
const dishes =
  'Espresso|Flat White|Cappuccino|Latte|Hot Chocolate|House Wine|Draft Beer|Lemonade|Soup of Day|Caesar Salad|Club Sandwich|' +
  'Margherita|Calzone|Lasagne|Risotto|Fish & Chips|Cheeseburger|Fries|Onion Rings|Chicken Wings|Nachos|Tacos|Burrito|Ramen|' +
  'Pad Thai|Green Curry|Biryani|Naan|Samosa|Falafel|Shawarma|Pancakes|Waffles|Omelette|Granola Bowl|Brownie|Cheesecake|' +
  'Tiramisu|Ice Cream|Apple Pie|Quiche|Ribeye Steak|Grilled Trout|Mushroom Pie|Veg Platter|Spring Rolls|Miso Soup|Sushi Set'
const hardware =
  'Hex Bolts M8|Wood Screws|Wall Plugs|Hammer|Pliers|Drill Bit 6mm|Tape Measure|Paint White 5L|Brush 50mm|Sandpaper|Sealant|' +
  'Hinge Pair|Padlock|Cable Ties|Extension Cord|LED Strip|Switch|Fuse 10A|Garden Hose|Rake|Soil 20L|Seeds Basil|Plant Pot|' +
  'Work Gloves|Safety Goggles|Duct Tape|Super Glue|Door Handle|Shelf Bracket|Pine Board|Varnish|Roller Set|Level 60cm'
const goods = {
  groceries: groceries.split('|'),
  dishes: dishes.split('|'),
  hardware: hardware.split('|'),
} as const

const services = (
  'Consulting|Design|Repair|Maintenance|Installation|Training|Translation|Web Hosting|Delivery|Audit|Cleaning|Printing|' +
  'Photography|Inspection|Catering|Editing|Data Entry|Assembly|Painting|Survey|Gardening|Tuning|Packing|Research'
).split('|')

/** What shops of one trade sell. */
export type Trade = keyof typeof goods

/** Names, places and phrases for printed things, from wide lists. All letters are in the Latin-1 range. */
export class Words {
  readonly #dice: Dice
  readonly #english: Faker
  readonly #local: Faker

  constructor(dice: Dice) {
    this.#dice = dice
    const randomizer = { next: () => dice.random(), seed: () => {} }
    this.#english = new Faker({ locale: [en, base], randomizer })
    const locale = locales[dice.weighted(weights)]
    this.#local = new Faker({ locale: [locale, en, base], randomizer })
  }

  /** An English word in small letters, or a name. */
  word(): string {
    const { word, color, animal, food } = this.#english
    return this.#latin(() =>
      this.#dice.pick([
        () => word.noun(),
        () => word.adjective(),
        () => word.verb(),
        () => word.adverb(),
        () => color.human(),
        () => animal.type(),
        () => food.spice(),
      ])(),
    )
  }

  noun(): string {
    return this.#latin(() => this.#english.word.noun())
  }

  /** A noun of at most ten letters, for legends and axes. */
  shortNoun(): string {
    for (;;) {
      const noun = this.noun()
      if (noun.length <= 10) return noun
    }
  }

  verb(): string {
    return this.#latin(() => this.#english.word.verb())
  }

  adverb(): string {
    return this.#latin(() => this.#english.word.adverb())
  }

  adjective(): string {
    return this.#latin(() => this.#english.word.adjective())
  }

  firstName(): string {
    return this.#latin(() => this.#local.person.firstName())
  }

  lastName(): string {
    return this.#latin(() => this.#local.person.lastName())
  }

  person(): string {
    return `${this.firstName()} ${this.lastName()}`
  }

  jobTitle(): string {
    const { person, commerce } = this.#english
    return this.#dice.chance(0.75)
      ? `${person.jobArea()} ${person.jobType()}`
      : this.#dice.pick([
          `Head of ${commerce.department()}`,
          'Certified Electrician',
          'Notary Public',
          'Master Baker',
          'Software Engineer',
          'Attorney at Law',
          'Real Estate Agent',
          'Veterinarian',
          'Photographer',
          'Piano Teacher',
          'Interior Designer',
          'Tax Advisor',
          'Project Manager',
          'Sales Representative',
          'Physiotherapist',
          'Architect',
          'Florist',
          'Managing Director',
        ])
  }

  /** A firm or a shop. */
  company(): string {
    const dice = this.#dice
    return this.#latin(() =>
      dice.pick([
        () => `${this.lastName()} & ${this.lastName()}`,
        () =>
          `${this.lastName()} ${dice.pick(['Ltd.', 'Inc.', 'GmbH', 'LLC', 'AG', 'S.A.', 'Bros.', 'Group', 'Partners'])}`,
        () => `${capital(this.adjective())} ${capital(this.noun())}`,
        () => `${capital(this.noun())} & ${capital(this.noun())}`,
        () => `${this.lastName()} ${capital(this.noun())} Co.`,
        () => `${capital(this.noun())}${dice.pick(['works', 'lab', 'hub', 'tec', 'line', 'land'])}`,
      ])(),
    )
  }

  /** A shop's name as it stands over the door. */
  shop(trade: Trade): string {
    const kind = this.#dice.pick(
      {
        groceries: ['Market', 'Foods', 'Grocery', 'Supermarket', 'Mini Mart', 'Fresh'],
        dishes: ['Café', 'Bistro', 'Kitchen', 'Diner', 'Grill', 'Trattoria', 'Coffee House'],
        hardware: ['Hardware', 'DIY', 'Tools & Garden', 'Home Center', 'Supply'],
      }[trade],
    )
    const owner = this.#dice.pick([
      () => `${this.firstName()}'s`,
      () => this.lastName(),
      () => capital(this.noun()),
      () => `${capital(this.adjective())} ${capital(this.noun())}`,
      () => `The ${capital(this.noun())}`,
    ])()
    return `${owner} ${kind}`
  }

  /** Different goods of a trade. */
  goods(trade: Trade, count: number): string[] {
    return this.#dice.sample(goods[trade], count).map((name) => {
      const choice = this.#dice.random()
      if (choice < 0.55) return name
      if (choice < 0.75) return `${capital(this.adjective())} ${name}`
      return `${name} ${this.#dice.pick(['XL', 'S', 'M', 'L', '250g', '500g', '1kg', '2L', '0.5L', '6pk', 'Bio', 'Org.', '2x'])}`
    })
  }

  /** A product with a made-up name. */
  product(): string {
    return this.#latin(() => this.#english.commerce.productName())
  }

  service(): string {
    return this.#dice.pick(services)
  }

  street(): string {
    return this.#latin(() => `${this.#dice.int(1, 999)} ${this.#local.location.street()}`)
  }

  city(): string {
    return this.#latin(() => this.#local.location.city())
  }

  postcode(): string {
    return this.#latin(() => this.#local.location.zipCode())
  }

  country(): string {
    return this.#latin(() => this.#english.location.country())
  }

  phone(): string {
    return this.#dice.code(
      this.#dice.pick([
        '(2##) 5##-####',
        '3##-2##-####',
        '+1 4## 5## ####',
        '+44 20 7### ####',
        '0##/#######',
        '+49 89 ######',
        '0# ## ## ## ##',
        '+41 44 ### ## ##',
        '+34 9## ### ###',
        '0#### ######',
      ]),
    )
  }

  domain(): string {
    const name = `${this.noun()}${this.#dice.chance(0.5) ? this.#dice.pick(['', '-']) + this.noun() : ''}`
    return `${plain(name)}.${this.#dice.pick(['com', 'org', 'net', 'de', 'co.uk', 'eu', 'io', 'fr', 'example'])}`
  }

  email(person: string, domain: string): string {
    const [first = 'info', last = 'office'] = plain(person).split(' ')
    return `${this.#dice.pick([`${first}.${last}`, `${first[0]}${last}`, first, `${last}.${first[0]}`, 'info', 'office'])}@${domain}`
  }

  title(): string {
    const { book, music } = this.#english
    return this.#latin(() => (this.#dice.chance(0.5) ? book.title() : music.songName()))
  }

  artist(): string {
    return this.#latin(() => this.#english.music.artist())
  }

  airport(): { readonly name: string; readonly iataCode: string } {
    return this.#english.airline.airport()
  }

  airline(): { readonly name: string; readonly iataCode: string } {
    return this.#english.airline.airline()
  }

  department(): string {
    return this.#english.commerce.department()
  }

  /** A sentence of plain English, as a letter, a notice or a book has them. */
  sentence(): string {
    return this.#latin(() =>
      this.#dice.chance(0.12) ? this.#english.food.description() : sentence(this, this.#dice),
    )
  }

  #latin(make: () => string): string {
    for (let tries = 0; tries < 30; tries++) {
      const made = make()
      if (/^[\x20-\x7e\u00c0-\u00ff]+$/.test(made)) return made
    }
    return this.#english.word.noun()
  }
}

/** Small letters without accents or signs, as addresses in the net are written. */
function plain(text: string): string {
  return text
    .normalize('NFD')
    .toLowerCase()
    .replace(/[^a-z -]/g, '')
}
