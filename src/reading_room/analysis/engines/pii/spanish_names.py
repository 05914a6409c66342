"""Frequent first names and surnames in Spanish, as statistical offices publish them, and names made of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reading_room.analysis.engines.pii.finding import Finding
from reading_room.analysis.engines.pii.labels import words
from reading_room.analysis.engines.pii.people import NAME

FIRST = words(
    "Aarón Abel Abraham Abril Adela Adolfo Adrián Adriana África Agustín Ainara Ainhoa Aitana Aitor Alba "
    "Alberto Alejandra Alejandro Alexis Alfonso Alfredo Alicia Almudena Alonso Álvaro Amaia Amalia Amaya "
    "Amparo Ana Anabel Andrea Andrés Ángel Ángela Ángeles Aníbal Anselmo Antonia Antonio Araceli Ariadna "
    "Ariel Armando Arturo Asunción Aurelio Aurora Azucena Bárbara Bartolomé Beatriz Begoña Belén Benito "
    "Benjamín Bernardo Berta Blanca Borja Brenda Brígida Bruno Camila Camilo Candela Caridad Carla Carlos "
    "Carlota Carmelo Carmen Carolina Catalina Cayetano Cecilia César Clara Claudia Claudio Concepción "
    "Consuelo Cristian Cristina Cristóbal Dani Daniel Daniela Darío David Débora Delia Diana Diego Dolores "
    "Domingo Edgar Edmundo Eduardo Elena Elías Elisa Eloísa Eloy Elsa Elvira Emilia Emiliano Emilio Emma "
    "Encarnación Enrique Eric Ernesto Esperanza Esteban Ester Esther Estrella Eugenia Eugenio Eulalia Eusebio "
    "Eva Evaristo Fabián Fátima Federico Felipe Félix Fermín Fernanda Fernando Fidel Florencia Florencio "
    "Francisca Francisco Gabriel Gabriela Gael Gaspar Gema Gemma Gerardo Germán Gilberto Gloria Gonzalo "
    "Graciela Gregorio Guadalupe Guillermo Gustavo Héctor Hernán Herminia Hilda Horacio Hugo Ignacio Íker "
    "Iker Ildefonso Iliana Inés Inmaculada Irene Iria Iris Isaac Isabel Isidro Ismael Itziar Iván Ivana "
    "Jacinto Jacobo Jaime Javier Jennifer Jerónimo Jessica Jesús Jimena Joaquín Jordi Jorge José Josefa "
    "Josefina Juan Juana Judith Julia Julián Julio Karina Katia Laia Lara Laura Leandro Leire Leo León "
    "Leonardo Leonor Leticia Lidia Lola Lorena Lorenzo Lourdes Lucas Lucía Luciano Luis Luisa Luz Macarena "
    "Magdalena Maite Manuel Manuela Mar Marc Marcelino Marcelo Marco Marcos Margarita María Mariana Mariano "
    "Maribel Marina Mario Marisa Marisol Marta Martín Martina Mateo Matías Matilde Mauricio Mauro Máximo "
    "Mercedes Miguel Milagros Miriam Miryam Mónica Montserrat Nadia Natalia Nayara Nerea Néstor Nicolás "
    "Nieves Noa Noelia Noemí Norma Nuria Octavio Olga Olivia Omar Orlando Óscar Oscar Pablo Paloma Paola "
    "Pascual Patricia Paula Paulina Pedro Pepe Pilar Pío Purificación Rafael Ramiro Ramón Raquel Raúl Rebeca "
    "Regina Remedios Renata Ricardo Rita Roberto Rocío Rodolfo Rodrigo Rogelio Román Romina Rosa Rosalía "
    "Rosario Roxana Rubén Rut Ruth Salomé Salvador Samuel Sandra Santiago Santos Sara Saúl Sebastián Sergio "
    "Silvia Simón Sofía Sol Soledad Sonia Susana Tamara Tania Tatiana Teodoro Teresa Tomás Trinidad Ulises "
    "Unai Úrsula Valentín Valentina Valeria Vanesa Vanessa Vega Verónica Vicente Víctor Victoria Violeta "
    "Virginia Virtudes Xavier Xoán Ximena Yago Yolanda Zaida Zoe Zulema Alexandra Antía Brais Uxía Martí "
    "Arnau Pau Oriol Meritxell Neus Mireia Núria Eneko Gorka Ane Nekane Xabier"
)
LAST = words(
    "Abad Acosta Agudo Aguilar Aguilera Aguirre Alarcón Alcántara Alfonso Alonso Álvarez Andrade Andrés "
    "Antúnez Aparicio Aranda Araujo Arenas Arias Ávila Ayala Ballesteros Barrera Barrios Bautista Beltrán "
    "Benítez Bermúdez Bernal Blanco Blasco Bravo Bueno Caballero Cabello Cabrera Calderón Calvo Campos Cano "
    "Carballo Cárdenas Carmona Carrasco Carrillo Casado Castaño Castellanos Castillo Castro Cervantes Chávez "
    "Conde Contreras Cordero Córdoba Corral Correa Cortés Costa Crespo Cruz Cuesta Delgado Díaz Díez "
    "Domínguez Durán Escobar Escudero Espinosa Espinoza Esteban Estévez Expósito Fajardo Fernández Ferrer "
    "Figueroa Flores Franco Fuentes Galán Galindo Gallardo Gallego Galván Gálvez García Garrido Gil Giménez "
    "Gómez González Gracia Guerra Guerrero Gutiérrez Guzmán Heredia Hernández Hernando Herrera Herrero "
    "Hidalgo Huerta Hurtado Ibáñez Iglesias Izquierdo Jara Jiménez Jurado Juárez Lara León Lobo López Lorenzo "
    "Lozano Lucas Luna Luque Macías Maldonado Manzano Marcos Marín Márquez Martín Martínez Mateo Mateos "
    "Medina Mejía Méndez Menéndez Merino Mesa Miguel Miranda Molina Monge Montero Montes Montoya Mora Morales "
    "Moreno Moya Muñoz Nieto Navarro Navas Núñez Ochoa Ojeda Oliva Olivares Ordóñez Orozco Ortega Ortiz Otero "
    "Pacheco Palacios Palma Pardo Paredes Parra Pascual Pastor Paz Peña Peñalver Peralta Perea Pereira Pérez "
    "Pineda Plaza Ponce Prado Prieto Puig Quintana Quintero Ramírez Ramos Redondo Reina Reyes Ríos Rivas "
    "Rivera Rivero Robles Roca Rodríguez Roig Rojas Roldán Román Romero Rosales Rubio Rueda Ruiz Sáez Salas "
    "Salazar Salgado Salinas Salvador Sánchez Sancho Sandoval Santana Santiago Santos Sanz Segura Serra "
    "Serrano Sierra Silva Simón Solís Soler Soria Soriano Sosa Soto Suárez Tapia Tejada Tejero Toledo Toro "
    "Torres Trujillo Valencia Valenzuela Valero Valle Valverde Varela Vargas Vázquez Vega Velasco Velázquez "
    "Vélez Vera Vergara Vicente Vidal Villa Villalba Villanueva Villar Villegas Zamora Zapata Zúñiga"
)
_OPENERS = words(
    "Según Para Con Por De Desde Ante Sobre Entre Como Cuando Donde Aunque Pero Si No El La Los Las Un Una Al Del En "
    "Estimado Estimada Querido Querida Señor Señora Don Doña Sr Sra Hola Su Sus Mi Mis Este Esta Calle Avenida Plaza"
)
_OPENS = re.compile(r"(?:\A|[.:;!?¿¡\n\"«(-])[ \n]*$")
_STARTS = re.compile(r"(?<![^\W_])[A-ZÀ-ÖØ-Þ]")


def spanish_names(text: str) -> Iterator[Finding]:
    """Yield sequences of capitalized words that begin with a frequent first name, or have a frequent surname."""
    done = 0
    for start in _STARTS.finditer(text):
        if start.start() < done:
            continue
        match = NAME.match(text, start.start())
        if match is None:
            continue
        parts = [each.rstrip(".") for each in match[0].split()]
        done = match.start() + len(parts[0])
        if parts[0] in _OPENERS:
            continue
        if parts[0] in FIRST:
            known = sum(each in FIRST or each in LAST for each in parts)
            score = 0.95 if known > 1 else 0.8 if len(parts) > 1 else 0.55
        elif len(parts[0]) > 2 and any(each in LAST for each in parts[1:]) and not _opens(text, match.start()):
            score = 0.6
        else:
            continue
        end = done = match.end()
        yield Finding(match.start(), end, "NAME", score)


def _opens(text: str, begin: int) -> bool:
    """Whether a word begins a sentence, where any word is capitalized."""
    return _OPENS.search(text, max(0, begin - 3), begin) is not None
